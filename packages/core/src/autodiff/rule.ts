import type { Node, Value } from "../graph/index.ts";
import type { OpBuilder, OperatorAttributes, OperatorName } from "../ops/index.ts";

/** One application of an operator in the forward graph, as a rule sees it. */
export interface Application<Attributes> {
  /** Writes the nodes of the backward pass, in the scope of the forward node. */
  readonly op: OpBuilder;
  /** The forward node, for messages. */
  readonly node: Node;
  /** Throws when the input was omitted. */
  input(index: number): Value;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
}

/**
 * Gradients of one application: for each input a thunk, so that only needed ones are built. Undefined stands for an input
 * that never has one, such as indices or a shape; for an input of floats it is an error.
 *
 * @param dys - gradient of each output; undefined where the loss does not depend on it
 */
export type GradientRule<Attributes> = (
  application: Application<Attributes>,
  dys: readonly (Value | undefined)[],
) => readonly ((() => Value) | undefined)[];

/** The rule of an operator of ours, with its attributes typed. */
export type RuleOf<Name extends OperatorName> = GradientRule<OperatorAttributes<Name>>;

/** A rule for operators with one output, which then has a gradient whenever the rule runs. */
export function rule<Attributes>(
  body: (application: Application<Attributes>, dy: Value) => readonly ((() => Value) | undefined)[],
): GradientRule<Attributes> {
  return (application, dys) => body(application, dys[0]!);
}
