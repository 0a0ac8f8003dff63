import type { Backend, CompileOptions, Program } from "../backends/index.ts";
import type { FusionConfig } from "../fusion/index.ts";
import type { Graph } from "../graph/index.ts";
import { compileFed } from "../session/index.ts";
import { evaluationGraph } from "./evaluation-graph.ts";
import { type BatchSizes, type GradientGraphOptions, gradientGraph } from "./gradient-graph.ts";
import type { ParameterGroup } from "./parameter-groups.ts";

/** Memory laid out beforehand would hold every activation twice (docs/performance.md). */
export const trainingCompilation: CompileOptions = { planMemory: false };

/** What is done with a part of a batch: `first` and `further` parts give gradients, the latter added to those before. */
export type BatchPass = "first" | "further" | "evaluation";

export interface BatchProgramsOptions extends Pick<GradientGraphOptions, "lora" | "checkpointing"> {
  readonly fixedSizes: boolean;
  /** How many stay compiled. */
  readonly compiledPrograms: number;
}

/**
 * Programs that batches run through, compiled when first needed and disposed when long unused: one for each pass and number of
 * latents, and with fixed sizes one for each batch shape besides.
 */
export class BatchPrograms {
  /** The least recently used first. */
  readonly #programs = new Map<string, Program>();

  constructor(
    private readonly backend: Backend,
    private readonly config: FusionConfig,
    private readonly groups: readonly ParameterGroup[],
    private readonly options: BatchProgramsOptions,
  ) {}

  /** With every size named where no sizes are given. */
  graph(pass: BatchPass, latents: number, sizes?: BatchSizes): Graph {
    return passGraph(this.config, this.groups, { ...this.options, pass, latents, sizes });
  }

  /** Not to be called again before it settles. The program may be disposed by the call after the next. */
  async get(pass: BatchPass, latents: number, batch: BatchSizes): Promise<Program> {
    const sizes = this.options.fixedSizes ? batch : undefined;
    const key = [pass, latents, sizes?.B, sizes?.I, sizes?.M, sizes?.R, sizes?.S, sizes?.T].join();
    const known = this.#programs.get(key);
    const program = known ?? (await compileFed(this.backend, this.graph(pass, latents, sizes), trainingCompilation));
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

export interface PassGraphOptions extends Pick<GradientGraphOptions, "lora" | "checkpointing" | "latents" | "sizes"> {
  readonly pass: BatchPass;
}

/** What a part of a batch runs. */
export function passGraph(
  config: FusionConfig,
  groups: readonly ParameterGroup[],
  { pass, latents, sizes, lora, checkpointing }: PassGraphOptions,
): Graph {
  if (pass === "evaluation") return evaluationGraph(config, groups, { latents, lora });
  return gradientGraph(config, groups, { latents, accumulates: pass === "further", sizes, lora, checkpointing });
}
