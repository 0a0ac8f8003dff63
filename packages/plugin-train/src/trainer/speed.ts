import { type Graph, graphCost } from "@fusion-vlm/core/graph";
import type { BatchSizes } from "@fusion-vlm/core/train";

/** Counts the matrix arithmetic of forward and backward passes, from the graphs that are run. */
export class CostCounter {
  readonly #graphOf: (latents: number) => Graph;
  readonly #graphs = new Map<number, Graph>();
  readonly #known = new Map<string, number>();
  readonly #compiled = new Set<string>();

  /** @param graphOf - what a part of a batch runs, with every size named */
  constructor(graphOf: (latents: number) => Graph) {
    this.#graphOf = graphOf;
  }

  /** Multiplications and additions of one micro-batch. */
  flops(latents: number, sizes: BatchSizes): number {
    const key = shapeKey(latents, sizes);
    let flops = this.#known.get(key);
    if (flops === undefined) {
      flops = graphCost(this.#graph(latents), sizes).flops;
      this.#known.set(key, flops);
    }
    return flops;
  }

  /** True for the first step of a Q, and for its first one in several parts: a program is compiled then. */
  compiles(latents: number, parts: number): boolean {
    const programs = parts > 1 ? [`${latents} first`, `${latents} further`] : [`${latents} first`];
    const missing = programs.filter((program) => !this.#compiled.has(program));
    for (const program of missing) this.#compiled.add(program);
    return missing.length > 0;
  }

  #graph(latents: number): Graph {
    const graph = this.#graphs.get(latents) ?? this.#graphOf(latents);
    this.#graphs.set(latents, graph);
    return graph;
  }
}

function shapeKey(latents: number, { B, I, M, R, S, T }: BatchSizes): string {
  return [latents, B, I, M, R, S, T].join(" ");
}

/** Work of one step. */
export interface StepWork {
  readonly samples: number;
  readonly flops: number;
  readonly seconds: number;
}

/** Rates over the last steps. */
export class SpeedMeter {
  readonly #window: number;
  readonly #steps: StepWork[] = [];

  constructor(window = 20) {
    this.#window = window;
  }

  add(work: StepWork): void {
    this.#steps.push(work);
    if (this.#steps.length > this.#window) this.#steps.shift();
  }

  get samplesPerSecond(): number {
    return this.#rate(({ samples }) => samples);
  }

  /** 10⁹ operations per second. */
  get gflops(): number {
    return this.#rate(({ flops }) => flops) / 1e9;
  }

  #rate(of: (work: StepWork) => number): number {
    const seconds = this.#steps.reduce((sum, work) => sum + work.seconds, 0);
    return seconds > 0 ? this.#steps.reduce((sum, work) => sum + of(work), 0) / seconds : 0;
  }
}
