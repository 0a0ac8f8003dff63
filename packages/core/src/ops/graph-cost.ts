import { internalError } from "../errors/index.ts";
import { type Dim, type Graph, type Node, termsOf } from "../graph/index.ts";

/** Sizes of symbolic dimensions by name, such as `{ B: 1, S: 640 }`. */
export type Sizes = Readonly<Record<string, number>>;

/** What one run of a graph costs at given sizes. */
export interface GraphCost {
  /** Multiplications and additions of matrix products; everything else is small beside them. */
  readonly flops: number;
  /** Elements of all parameters that the graph reads. */
  readonly parameters: number;
  /** Elements of all inputs, state tensors included. */
  readonly inputs: number;
}

/** Counts matrix arithmetic (2·M·N·K for each product), parameters and inputs. */
export function graphCost(graph: Graph, sizes: Sizes): GraphCost {
  const count = (shape: readonly Dim[]) => shape.reduce<number>((product, dim) => product * evaluateDim(dim, sizes), 1);
  const total = (values: readonly { shape: readonly Dim[] }[]) =>
    values.reduce((sum, { shape }) => sum + count(shape), 0);
  const flops = graph.nodes.reduce((sum, node) => {
    const inner = innerSize(node);
    return inner === undefined ? sum : sum + 2 * count(node.outputs[0]!.shape) * evaluateDim(inner, sizes);
  }, 0);
  return { flops, parameters: total(graph.parameters), inputs: total(graph.inputs) };
}

/** The value of a dimension. Throws for a size that is not given. */
export function evaluateDim(dim: Dim, sizes: Sizes): number {
  return termsOf(dim).reduce((sum, { coefficient, factors }) => {
    return sum + factors.reduce((product, symbol) => product * sizeOf(symbol, sizes), coefficient);
  }, 0);
}

function sizeOf(symbol: string, sizes: Sizes): number {
  const size = sizes[symbol];
  if (size === undefined) throw internalError("graphCost", `no size for dimension ${symbol}`);
  return size;
}

/** K of a matrix product; undefined for every other operator. */
function innerSize({ op, domain, inputs, attributes }: Node): Dim | undefined {
  if (domain !== "") return undefined;
  if (op === "MatMul") return inputs[0]!.shape.at(-1);
  if (op === "Gemm") return inputs[0]!.shape[attributes.transA?.value === 1 ? 0 : 1];
  return undefined;
}
