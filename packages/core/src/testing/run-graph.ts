import type { Backend, Feeds, Fetches, Program } from "../backends/index.ts";
import { FusionError } from "../errors/index.ts";
import { type Graph, toOnnx } from "../graph/index.ts";
import type { Tensor } from "../tensor/index.ts";

/** Parameter values by checkpoint name. */
export type Parameters = ReadonlyMap<string, Tensor>;

/** Compiles a graph with its parameters written into it. Throws WEIGHTS_MISMATCH naming a parameter without values. */
export function compileInMemory(backend: Backend, graph: Graph, parameters: Parameters = new Map()): Promise<Program> {
  const tensorOf = (name: string): Tensor => {
    const tensor = parameters.get(name);
    if (tensor) return tensor;
    throw new FusionError({
      code: "WEIGHTS_MISMATCH",
      at: graph.name,
      expected: `values for ${name}`,
      actual: `values for ${parameters.size} others`,
      hint: "Pass a tensor for every parameter of the graph.",
    });
  };
  const info = ({ name, dtype, shape }: Graph["inputs"][number]) => ({ name, dtype, shape });
  return backend.compile({
    name: graph.name,
    bytes: toOnnx(graph, { parameters: (name) => ({ kind: "data", tensor: tensorOf(name) }) }),
    inputs: graph.inputs.map(info),
    outputs: [...graph.outputs].map(([name, value]) => info({ ...value, name })),
  });
}

/** Compiles a graph, runs it once and disposes it. */
export async function runGraph(
  backend: Backend,
  graph: Graph,
  feeds: Feeds,
  parameters?: Parameters,
): Promise<Fetches> {
  const program = await compileInMemory(backend, graph, parameters);
  try {
    return await program.run(feeds);
  } finally {
    await program.dispose();
  }
}
