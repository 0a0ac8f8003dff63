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
import { compileGraph } from "../session/index.ts";
import type { VerifyContext } from "./verify-forward.ts";

type ProgramName = "image" | "context" | "latents" | "prefill" | "decode";

/** The compiled graphs that generation runs through; the prefill also gives its hidden states. */
export class GenerationPrograms {
  private constructor(private readonly byName: ReadonlyMap<string, Program>) {}

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
    for (const [name, graph] of Object.entries(graphs)) programs.set(name, await compileGraph(backend, graph, weights));
    return new GenerationPrograms(programs);
  }

  run(name: ProgramName, ...args: Parameters<Program["run"]>): Promise<Fetches> {
    return this.byName.get(name)!.run(...args);
  }

  async dispose(): Promise<void> {
    for (const program of this.byName.values()) await program.dispose();
  }
}
