import { FusionError } from "../errors/index.ts";
import { formatShape, type Node, sameShape, type Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { GradientRule } from "./rule.ts";
import { gradientRules } from "./rules/index.ts";

/** Rules by operator name. Plugins add theirs to a copy: `{ ...gradientRules, Snake: … }`. */
export type GradientRules = Readonly<Record<string, GradientRule<never>>>;

export interface GradientsOptions {
  readonly rules?: GradientRules;
}

/**
 * Writes the reverse pass of what the builder holds: d loss / d value for each value asked for.
 *
 * Gradients become nodes of the same graph, made of primitive operators, so every backend runs them. Only what lies
 * between the values and the loss is differentiated.
 *
 * @param loss - a scalar
 * @returns gradients in the order of `values`; zeros where the loss does not depend on a value
 * @throws GRAPH_INVALID for a loss that is no scalar, UNSUPPORTED_OP naming operator and node for a missing rule,
 *   SHAPE_MISMATCH or DTYPE_MISMATCH naming operator and input when a rule returns a gradient that is not its input's
 */
export function gradients(
  op: OpBuilder,
  loss: Value,
  values: readonly Value[],
  { rules = gradientRules as unknown as GradientRules }: GradientsOptions = {},
): Value[] {
  if (loss.shape.length !== 0) throw notScalar(loss);
  const { nodes } = op.build();
  const flows = dependents(nodes, values);
  const found = new Map<Value, Value>([[loss, op.operand(1, "float32")]]);
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((output) => found.has(output) && flows.has(output))) continue;
    for (const [input, gradient] of differentiate(op, node, found, flows, rules)) {
      const known = found.get(input);
      found.set(input, known ? op.scope("backward", () => op.Add(known, gradient)) : gradient);
    }
  }
  return values.map((value) => found.get(value) ?? op.Expand(op.operand(0, "float32"), value.shape));
}

/** Everything that depends on one of the values through floating-point numbers. */
function dependents(nodes: readonly Node[], values: readonly Value[]): Set<Value> {
  const reached = new Set<Value>(values);
  for (const node of nodes) {
    if (!node.inputs.some((input) => input && reached.has(input))) continue;
    for (const output of node.outputs) if (output.dtype.includes("float")) reached.add(output);
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
  const rule = Object.hasOwn(rules, node.op) ? rules[node.op] : undefined;
  if (!rule) throw missingRule(node);
  return op.scope(`backward.${node.name.replaceAll("/", ".")}`, () => {
    const attributes = Object.fromEntries(Object.entries(node.attributes).map(([key, { value }]) => [key, value]));
    const input = (index: number): Value => {
      const value = node.inputs[index];
      if (!value) throw missingRule(node);
      return value;
    };
    const application = { op, inputs: node.inputs, outputs: node.outputs, attributes: attributes as never, input };
    const thunks = rule(
      application,
      node.outputs.map((output) => found.get(output)),
    );
    return node.inputs.flatMap((value, index): [Value, Value][] => {
      const thunk = thunks[index];
      if (!value || !thunk || !flows.has(value)) return [];
      return [[value, checkGradient(node, index, value, thunk())]];
    });
  });
}

/** The permanent guard: a gradient has the shape and dtype of what it is the gradient of. */
function checkGradient(node: Node, index: number, value: Value, gradient: Value): Value {
  const at = `gradient of ${node.op} (${node.name}) for input ${index}`;
  const hint = "The rule of this operator is wrong; correct it in the table of rules.";
  if (gradient.dtype !== value.dtype) {
    throw new FusionError({ code: "DTYPE_MISMATCH", at, expected: value.dtype, actual: gradient.dtype, hint });
  }
  if (!sameShape(gradient.shape, value.shape)) {
    const [expected, actual] = [formatShape(value.shape), formatShape(gradient.shape)];
    throw new FusionError({ code: "SHAPE_MISMATCH", at, expected, actual, hint });
  }
  return gradient;
}

function missingRule(node: Node): FusionError {
  return new FusionError({
    code: "UNSUPPORTED_OP",
    at: `gradient of ${node.name}`,
    expected: "a gradient rule",
    actual: `none for operator ${node.domain && `${node.domain}.`}${node.op}`,
    hint: "Pass one in `rules`, or keep this operator off the path from the trained values to the loss.",
  });
}

function notScalar(loss: Value): FusionError {
  return new FusionError({
    code: "GRAPH_INVALID",
    at: `loss ${loss.name}`,
    expected: "a scalar",
    actual: formatShape(loss.shape),
    hint: "Reduce it, for example with op.ReduceMean over all axes and keepdims false.",
  });
}
