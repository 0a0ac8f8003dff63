import type { Node, Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";

/**
 * xᵀ over the last two axes, without moving anything where the transposition cancels: (xᵀ)ᵀ = x, (aᵀ·b)ᵀ = bᵀ·a.
 *
 * So the gradient of q·kᵀ is two products, dS·k and dSᵀ·q: engines transpose an operand inside the product for free, while
 * moving the elements of [B, A, H, S] took a tenth of a training step.
 */
export function transposeLast(op: OpBuilder, x: Value): Value {
  const node = op.producer(x);
  if (node && isTransposeLast(node)) return node.inputs[0]!;
  if (node?.op === "MatMul" && node.domain === "") {
    const [a, b] = node.inputs as [Value, Value];
    const left = op.producer(a);
    if (left && isTransposeLast(left)) return op.MatMul(transposeLast(op, b), left.inputs[0]!);
  }
  return op.Transpose(x, swapLast(x.shape.length));
}

/** The permutation that swaps the last two of `rank` axes. */
export function swapLast(rank: number): number[] {
  return [...Array(rank - 2).keys(), rank - 1, rank - 2];
}

function isTransposeLast({ op, domain, attributes }: Node): boolean {
  if (op !== "Transpose" || domain !== "") return false;
  const perm = attributes.perm!.value as readonly number[];
  return perm.length >= 2 && swapLast(perm.length).every((axis, place) => perm[place] === axis);
}
