import {
  contextGraph,
  decodeGraph,
  embeddingTable,
  extendGraph,
  type FusionConfig,
  imageGraph,
  outputTable,
  prefillGraph,
  type Quantization,
  type WeightFormat,
} from "../fusion/index.ts";
import type { Graph, Value } from "../graph/index.ts";
import { quantizeGraph, weightMatrices } from "./quantize-graph.ts";

/** A graph that answers questions, and the format of the matrices in it. */
export interface AnsweringGraph {
  readonly graph: Graph;
  readonly formatOf: (parameter: string) => WeightFormat | undefined;
}

/** The formats of the graphs of one way of running. */
export function formatsOf(
  { language }: FusionConfig,
  { output, ...parts }: Quantization,
  part: "vision" | "prefill" | "decode",
): AnsweringGraph["formatOf"] {
  const table = language.tiedEmbeddings ? embeddingTable : outputTable;
  return (parameter) => (parameter === table ? output : parts[part]);
}

/** All graphs with parameters that answer questions. */
export function answeringGraphs(config: FusionConfig, quantization: Quantization): AnsweringGraph[] {
  const of = (graph: Graph, part: "vision" | "prefill" | "decode"): AnsweringGraph => ({
    graph,
    formatOf: formatsOf(config, quantization, part),
  });
  return [
    of(imageGraph(config), "vision"), // imageBase and imageGuided read the same parameters
    of(contextGraph(config), "vision"),
    of(prefillGraph(config), "prefill"),
    of(extendGraph(config), "prefill"),
    of(decodeGraph(config), "decode"),
  ];
}

/** Every tensor that the weights of a quantised model have, by name: those that are left as they were, and those in their place. */
export function quantizedParameters(config: FusionConfig, quantization: Quantization): Map<string, Value> {
  const graphs = answeringGraphs(config, quantization).map(({ graph, formatOf }) => quantizeGraph(graph, formatOf));
  return new Map(graphs.flatMap(({ parameters }) => parameters).map((value) => [value.name, value]));
}

/** The matrices of a model that are quantised, with all the formats that they get. */
export function matrixFormats(
  config: FusionConfig,
  quantization: Quantization,
): Map<string, { readonly shape: readonly [number, number]; readonly formats: readonly WeightFormat[] }> {
  const found = new Map<string, { shape: readonly [number, number]; formats: WeightFormat[] }>();
  for (const { graph, formatOf } of answeringGraphs(config, quantization)) {
    for (const { name, shape } of weightMatrices(graph)) {
      const format = formatOf(name);
      if (!format) continue;
      const known = found.get(name) ?? { shape: shape as readonly [number, number], formats: [] };
      if (!known.formats.some(({ bits }) => bits === format.bits)) known.formats.push(format);
      found.set(name, known);
    }
  }
  return found;
}
