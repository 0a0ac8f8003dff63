import type { Backend, CompileOptions, OnnxModel, Program } from "../backends/index.ts";
import { internalError } from "../errors/index.ts";
import { type Graph, type ParameterSource, toOnnx } from "../graph/index.ts";
import type { WeightStore } from "../weights/index.ts";
import { castLate } from "./cast-late.ts";

/** Compiles a graph whose parameters, if it has any, are fed at every run. */
export function compileFed(backend: Backend, graph: Graph, options?: CompileOptions): Promise<Program> {
  return backend.compile({ name: graph.name, bytes: toOnnx(graph), ...signature(graph) }, options);
}

/** Compiles a graph with its parameters left where they are, inside the checkpoint's files. */
export function compileGraph(
  backend: Backend,
  graph: Graph,
  weights: WeightStore,
  options?: CompileOptions,
): Promise<Program> {
  const stored = castLate(graph, (name) => weights.entries.get(name)?.dtype ?? "float32");
  const parameters = (name: string): ParameterSource => {
    const entry = weights.entries.get(name);
    if (!entry) throw internalError(graph.name, `no weights for ${name}`);
    const { location, offset, length, dtype } = entry;
    return { kind: "file", location, offset, length, dtype };
  };
  return backend.compile(
    {
      name: graph.name,
      bytes: toOnnx(stored, { parameters }),
      ...signature(graph),
      weightsFolder: graph.parameters.length > 0 ? weights.folder : undefined,
    },
    options,
  );
}

function signature(graph: Graph): Pick<OnnxModel, "inputs" | "outputs"> {
  const info = ({ name, dtype, shape }: Graph["inputs"][number]) => ({ name, dtype, shape });
  return {
    inputs: graph.inputs.map(info),
    outputs: [...graph.outputs].map(([name, value]) => info({ ...value, name })),
  };
}
