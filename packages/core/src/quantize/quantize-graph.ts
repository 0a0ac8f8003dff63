import type { WeightFormat } from "../fusion/index.ts";
import { type Graph, type Node, prune, type Value } from "../graph/index.ts";
import { type Operator, quantizedOperators } from "../ops/index.ts";
import { type StoredTensor, storedTensors } from "./stored-tensors.ts";

/** 8-bit activations: several times faster than float32 ones on every processor that was measured. */
const accuracyLevel = 4;

/**
 * The graph with quantised weights: each product x·Wᵀ whose matrix has a format becomes a node of that format.
 *
 * What else reads such a matrix (the lookup of tied embeddings) keeps reading it as it is.
 *
 * @param formatOf - undefined for parameters that stay as they are
 */
export function quantizeGraph(graph: Graph, formatOf: (parameter: string) => WeightFormat | undefined): Graph {
  const parameters = new Map<string, Value>();
  const parameter = ({ name, dtype, shape }: StoredTensor): Value => {
    const known = parameters.get(name);
    if (known) return known;
    const value: Value = { kind: "parameter", name, dtype, shape };
    parameters.set(name, value);
    return value;
  };
  const nodes = graph.nodes.map((node): Node => {
    const product = weightProduct(node);
    const format = product && formatOf(product.weight.name);
    if (!product || !format) return node;
    const shape = product.weight.shape as readonly [number, number];
    const { weight, scale } = storedTensors(product.weight.name, shape, format);
    return quantizedProduct(node, product, format, { weight: parameter(weight), scale: parameter(scale) });
  });
  return prune({ ...graph, nodes, parameters: [...graph.parameters, ...parameters.values()] });
}

/** Parameters that a graph multiplies by: the ones that can be quantised. */
export function weightMatrices(graph: Graph): Value[] {
  return [...new Set(graph.nodes.flatMap((node) => weightProduct(node)?.weight ?? []))];
}

interface WeightProduct {
  /** [M, K] */
  readonly rows: Value;
  /** [N, K] */
  readonly weight: Value;
  /** [N] */
  readonly bias?: Value;
}

/** x·Wᵀ + b as `linear` writes it; undefined for every other node. */
function weightProduct({ op, domain, inputs, attributes }: Node): WeightProduct | undefined {
  const [rows, weight, bias] = inputs;
  if (domain !== "" || op !== "Gemm" || !rows || weight?.kind !== "parameter") return undefined;
  const isRead = (name: string, flag: number) => (attributes[name]?.value ?? 0) === flag;
  return isRead("transA", 0) && isRead("transB", 1) ? { rows, weight, bias } : undefined;
}

function quantizedProduct(
  node: Node,
  { rows, weight: { shape }, bias }: WeightProduct,
  format: WeightFormat,
  stored: { readonly weight: Value; readonly scale: Value },
): Node {
  const matrix = [rows, stored.weight, stored.scale];
  if (format.bits === 8) {
    const inputs = bias ? [...matrix, undefined, bias] : matrix;
    return { ...node, ...identityOf(quantizedOperators.DynamicQuantizeMatMul), inputs, attributes: {} };
  }
  const [N, K] = shape as readonly [number, number];
  const numbers = { K, N, bits: 4, block_size: format.block, accuracy_level: accuracyLevel };
  return {
    ...node,
    ...identityOf(quantizedOperators.MatMulNBits),
    inputs: bias ? [...matrix, undefined, undefined, bias] : matrix,
    attributes: Object.fromEntries(Object.entries(numbers).map(([key, value]) => [key, { type: "int", value }])),
  };
}

function identityOf({ name, domain = "" }: Operator): Pick<Node, "op" | "domain"> {
  return { op: name, domain };
}
