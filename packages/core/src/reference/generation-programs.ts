import type { Fetches, Program } from "../backends/index.ts";
import {
  contextGraph,
  decodeGraph,
  type FusionConfig,
  imageGraph,
  latentsGraph,
  prefillGraph,
} from "../fusion/index.ts";
import { type Graph, withOutputs } from "../graph/index.ts";
import { Cleanup, compileGraph } from "../session/index.ts";
import type { VerifyContext } from "./verify-forward.ts";

type ProgramName = "image" | "context" | "latents" | "prefill" | "decode";

/** The compiled graphs that generation runs through; the prefill also gives its hidden states. */
export class GenerationPrograms {
  private constructor(
    private readonly byName: ReadonlyMap<string, Program>,
    private readonly cleanup: Cleanup,
  ) {}

  /** Leaves nothing compiled when one of the graphs cannot be. */
  static async compile(
    { backend, weights }: VerifyContext,
    config: FusionConfig,
    latents: number,
  ): Promise<GenerationPrograms> {
    const prefill = prefillGraph(config);
    const graphs: Record<ProgramName, Graph> = {
      image: imageGraph(config),
      context: contextGraph(config),
      latents: latentsGraph(config, latents),
      prefill: withOutputs(prefill, [...prefill.outputs.keys(), ...prefill.marks.keys()]),
      decode: decodeGraph(config),
    };
    const programs = new Map<string, Program>();
    const cleanup = new Cleanup();
    try {
      for (const [name, graph] of Object.entries(graphs)) {
        const program = await compileGraph(backend, graph, weights);
        programs.set(
          name,
          cleanup.later(program, (compiled) => compiled.dispose()),
        );
      }
    } catch (error) {
      await cleanup.run();
      throw error;
    }
    return new GenerationPrograms(programs, cleanup);
  }

  run(name: ProgramName, ...args: Parameters<Program["run"]>): Promise<Fetches> {
    return this.byName.get(name)!.run(...args);
  }

  dispose(): Promise<void> {
    return this.cleanup.run();
  }
}
