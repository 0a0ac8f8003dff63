import { formatShape, type Node, sameShape, type Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import {
  gradientMismatch,
  graphMistake,
  isFloat,
  missingGradient,
  missingRule,
  requireFloat,
} from "./gradient-error.ts";
import type { GradientRule } from "./rule.ts";
import { gradientRules } from "./rules/index.ts";
import { zerosLike } from "./unbroadcast.ts";

/**
 * Rules by operator name, in front of it the domain and a dot where it is not ONNX's own. Plugins add theirs to a copy:
 * `{ ...gradientRules, "com.example.Snake": … }`.
 */
export type GradientRules = Readonly<Record<string, GradientRule<never>>>;

export interface GradientsOptions {
  /** {@link gradientRules} when absent. */
  readonly rules?: GradientRules;
}

/**
 * Writes the reverse pass of what the builder holds: d loss / d value for each value asked for.
 *
 * Gradients become nodes of the same graph, made of primitive operators, so every backend runs them. Only what lies
 * between the values and the loss is differentiated; whole numbers and booleans carry no gradient.
 *
 * @param loss - a scalar
 * @param values - inputs, parameters or results of nodes, of any float dtype
 * @returns gradients in the order of `values`; zeros where the loss does not depend on a value
 * @throws GRAPH_INVALID for a loss that is no scalar or a value of another graph, UNSUPPORTED_OP naming operator and node
 *   for a missing rule or gradient, SHAPE_MISMATCH or DTYPE_MISMATCH naming operator and input when a rule returns a
 *   gradient that is not its input's
 */
export function gradients(
  op: OpBuilder,
  loss: Value,
  values: readonly Value[],
  options: GradientsOptions = {},
): Value[] {
  const found = backwardPass(op, loss, values, options);
  return values.map((value) => found.get(value) ?? op.scope("backward", () => zerosLike(op, value)));
}

/** As {@link gradients}, with the gradient of every value on the way to the loss; values that it does not depend on have none. */
export function backwardPass(
  op: OpBuilder,
  loss: Value,
  values: readonly Value[],
  { rules = gradientRules }: GradientsOptions = {},
): ReadonlyMap<Value, Value> {
  requireDifferentiable(op, loss, values);
  const { nodes } = op.build();
  const flows = dependents(nodes, values);
  const found = new Map<Value, Value>([[loss, op.operand(1, loss.dtype)]]);
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((output) => found.has(output))) continue;
    if (!node.inputs.some((input) => input && flows.has(input))) continue;
    for (const [input, gradient] of differentiate(op, node, found, flows, rules)) {
      const known = found.get(input);
      found.set(input, known ? op.scope("backward", () => op.Add(known, gradient)) : gradient);
    }
  }
  return found;
}

function requireDifferentiable(op: OpBuilder, loss: Value, values: readonly Value[]): void {
  if (loss.shape.length !== 0) {
    const hint = "Reduce it, for example with op.ReduceMean over all axes and keepdims false.";
    throw graphMistake(`loss ${loss.name}`, "a scalar", formatShape(loss.shape), hint);
  }
  const { inputs, parameters, nodes } = op.build();
  const known = new Set<Value | undefined>([...inputs, ...parameters]);
  for (const node of nodes) for (const value of [...node.inputs, ...node.outputs]) known.add(value);
  for (const value of [loss, ...values]) {
    requireFloat(value);
    if (known.has(value) || value.kind === "constant") continue;
    const hint = "Differentiate on the builder that made both the loss and the values.";
    throw graphMistake(`gradient for ${value.name}`, `a value of graph ${op.name}`, "one of another graph", hint);
  }
}

/** The values, and everything that depends on one of them through floating-point numbers. */
function dependents(nodes: readonly Node[], values: readonly Value[]): Set<Value> {
  const reached = new Set<Value>(values);
  for (const node of nodes) {
    if (!node.inputs.some((input) => input && reached.has(input))) continue;
    for (const output of node.outputs) if (isFloat(output)) reached.add(output);
  }
  return reached;
}

function differentiate(
  op: OpBuilder,
  node: Node,
  found: ReadonlyMap<Value, Value>,
  flows: ReadonlySet<Value>,
  rules: GradientRules,
): [Value, Value][] {
  const key = node.domain ? `${node.domain}.${node.op}` : node.op;
  const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
  if (!rule) throw missingRule(node, key);
  return op.scope(`backward.${node.name.replaceAll("/", ".")}`, () => {
    const attributes = Object.fromEntries(Object.entries(node.attributes).map(([name, { value }]) => [name, value]));
    const input = (index: number): Value => node.inputs[index] ?? missingGradient(node, index, "that input");
    const application = {
      op,
      node,
      inputs: node.inputs,
      outputs: node.outputs,
      attributes: attributes as never,
      input,
    };
    const thunks = rule(
      application,
      node.outputs.map((output) => found.get(output)),
    );
    return node.inputs.flatMap((value, index): [Value, Value][] => {
      if (!value || !flows.has(value)) return [];
      const thunk = thunks[index] ?? missingGradient(node, index, "a gradient from the rule");
      return [[value, checkGradient(node, index, value, thunk())]];
    });
  });
}

/** The permanent guard: a gradient has the shape and dtype of what it is the gradient of. */
function checkGradient(node: Node, index: number, value: Value, gradient: Value): Value {
  if (gradient.dtype !== value.dtype) {
    throw gradientMismatch("DTYPE_MISMATCH", node, index, value.dtype, gradient.dtype);
  }
  if (!sameShape(gradient.shape, value.shape)) {
    throw gradientMismatch("SHAPE_MISMATCH", node, index, formatShape(value.shape), formatShape(gradient.shape));
  }
  return gradient;
}
