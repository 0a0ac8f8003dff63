import type { Backend, Program } from "../backends/index.ts";
import type { FusionConfig } from "../fusion/index.ts";
import { compileFed } from "../session/index.ts";
import { type BatchSizes, gradientGraph } from "./gradient-graph.ts";
import type { ParameterGroup } from "./parameter-groups.ts";

/**
 * Gradient programs, compiled when first needed and disposed when long unused: one for each number of latents, or with fixed
 * sizes one for each batch shape besides.
 */
export class GradientPrograms {
  /** The least recently used first. */
  readonly #programs = new Map<string, Program>();

  constructor(
    private readonly backend: Backend,
    private readonly config: FusionConfig,
    private readonly groups: readonly ParameterGroup[],
    private readonly hasFixedSizes: boolean,
    private readonly limit: number,
  ) {}

  /** Not to be called again before it settles. The program may be disposed by the call after the next. */
  async get(latents: number, sizes: BatchSizes): Promise<Program> {
    const fixed = this.hasFixedSizes ? sizes : undefined;
    const key = [latents, fixed?.B, fixed?.I, fixed?.M, fixed?.R, fixed?.S, fixed?.T].join();
    const known = this.#programs.get(key);
    const program = known ?? (await compileFed(this.backend, gradientGraph(this.config, latents, this.groups, fixed)));
    this.#programs.delete(key);
    this.#programs.set(key, program);
    for (const [oldest, unused] of this.#programs) {
      if (this.#programs.size <= this.limit) break;
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
