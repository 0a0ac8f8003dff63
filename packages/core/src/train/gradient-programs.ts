import type { Backend, Program } from "../backends/index.ts";
import type { FusionConfig } from "../fusion/index.ts";
import type { Graph } from "../graph/index.ts";
import { compileFed } from "../session/index.ts";
import { type BatchSizes, type GradientGraphOptions, gradientGraph } from "./gradient-graph.ts";
import type { ParameterGroup } from "./parameter-groups.ts";

export interface GradientProgramsOptions extends Pick<GradientGraphOptions, "lora" | "checkpointing"> {
  readonly fixedSizes: boolean;
  /** How many stay compiled. */
  readonly compiledPrograms: number;
}

/**
 * Gradient programs, compiled when first needed and disposed when long unused: one for each number of latents, one more for
 * the later parts of batches that have several, and with fixed sizes one for each batch shape besides.
 */
export class GradientPrograms {
  /** The least recently used first. */
  readonly #programs = new Map<string, Program>();

  constructor(
    private readonly backend: Backend,
    private readonly config: FusionConfig,
    private readonly groups: readonly ParameterGroup[],
    private readonly options: GradientProgramsOptions,
  ) {}

  graph(latents: number, { accumulates, sizes }: Pick<GradientGraphOptions, "accumulates" | "sizes">): Graph {
    const { lora, checkpointing } = this.options;
    return gradientGraph(this.config, this.groups, { latents, accumulates, sizes, lora, checkpointing });
  }

  /** Not to be called again before it settles. The program may be disposed by the call after the next. */
  async get(latents: number, batch: BatchSizes, accumulates: boolean): Promise<Program> {
    const sizes = this.options.fixedSizes ? batch : undefined;
    const key = [latents, accumulates, sizes?.B, sizes?.I, sizes?.M, sizes?.R, sizes?.S, sizes?.T].join();
    const known = this.#programs.get(key);
    const program = known ?? (await compileFed(this.backend, this.graph(latents, { accumulates, sizes })));
    this.#programs.delete(key);
    this.#programs.set(key, program);
    for (const [oldest, unused] of this.#programs) {
      if (this.#programs.size <= this.options.compiledPrograms) break;
      this.#programs.delete(oldest);
      await unused.dispose();
    }
    return program;
  }

  async dispose(): Promise<void> {
    for (const program of this.#programs.values()) await program.dispose();
    this.#programs.clear();
  }
}
