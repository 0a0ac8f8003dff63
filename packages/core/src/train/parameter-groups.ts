import { FusionError } from "../errors/index.ts";
import { sizeOf } from "../tensor/index.ts";
import { type ParameterRule, ruleFinder } from "./parameter-rule.ts";

/** One parameter inside the flat vector of its group. */
export interface FlatParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
}

/** Parameters that share optimiser settings; they lie one behind the other in one flat vector. */
export interface ParameterGroup {
  readonly name: string;
  /** Has no gradient and no moments, and is never changed. */
  readonly frozen: boolean;
  readonly weightDecay: number;
  /** Factor on the step's learning rate. */
  readonly learningRateScale: number;
  readonly parameters: readonly FlatParameter[];
  /** Elements of the flat vector. */
  readonly size: number;
}

export interface GroupOptions {
  /** Weight decay of matrices; norms and biases have none. */
  readonly weightDecay: number;
  /** The first whose pattern matches a parameter counts for it; parameters that none matches are trained as the options say. */
  readonly rules?: readonly ParameterRule[];
  /** Whether a parameter is frozen where its rule leaves it open; none is when absent. */
  readonly isFrozen?: (name: string) => boolean;
}

type Shapes = ReadonlyMap<string, readonly number[]>;

/**
 * Parameters by what is done with them: trained matrices, and trained norms and biases, of each rule and of the rest.
 *
 * Norms and biases are not decayed: all parameters with one dimension (reference: `get_decay_parameters`). A frozen
 * parameter is a group of its own, so that programs read it where it lies instead of cutting it out of a vector.
 *
 * @throws OPTION_INVALID for a rule that is wrong or matches nothing, and when nothing is left to train
 */
export function parameterGroups(parameters: Shapes, options: GroupOptions): ParameterGroup[] {
  const { weightDecay, rules = [], isFrozen = () => false } = options;
  const ruleIndex = ruleFinder(rules, parameters.keys());
  const members = [...parameters].map(([name, shape]) => {
    const index = ruleIndex(name);
    return { name, shape, index, frozen: rules[index]?.frozen ?? isFrozen(name) };
  });
  const trained = [...rules.keys(), -1].flatMap((index) => {
    const rule = rules[index];
    const own = members.filter((member) => member.index === index && !member.frozen);
    const prefix = rule ? `rule${index + 1}.` : "";
    const settings = { frozen: false, learningRateScale: rule?.learningRateScale ?? 1 };
    const [matrices, vectors] = [
      own.filter(({ shape }) => shape.length > 1),
      own.filter(({ shape }) => shape.length <= 1),
    ];
    return [
      group(`${prefix}matrices`, { ...settings, weightDecay: rule?.weightDecay ?? weightDecay }, matrices),
      group(`${prefix}norms_and_biases`, { ...settings, weightDecay: 0 }, vectors),
    ].filter(({ size }) => size > 0);
  });
  if (trained.length === 0) throw nothingToTrain(members.length);
  const frozen = members.filter((member) => member.frozen);
  const still = { frozen: true, learningRateScale: 0, weightDecay: 0 };
  return [...trained, ...frozen.map((member) => group(member.name, still, [member]))];
}

/** The groups that are trained. */
export function trainedGroups(groups: readonly ParameterGroup[]): ParameterGroup[] {
  return groups.filter(({ frozen }) => !frozen);
}

function group(
  name: string,
  settings: Pick<ParameterGroup, "frozen" | "weightDecay" | "learningRateScale">,
  members: readonly { name: string; shape: readonly number[] }[],
): ParameterGroup {
  const { pieces, size } = layOut(members);
  return { name, ...settings, parameters: pieces, size };
}

function nothingToTrain(count: number): FusionError {
  return new FusionError({
    code: "OPTION_INVALID",
    at: "training rules",
    expected: "at least one parameter to train",
    actual: `${count} frozen ones`,
    hint: "Leave out a rule that freezes, or put one with `frozen: false` in front of it.",
  });
}

/** Pieces one behind the other in one flat vector. */
export interface FlatLayout {
  readonly pieces: readonly FlatParameter[];
  /** Elements of the vector. */
  readonly size: number;
}

function layOut(members: readonly { name: string; shape: readonly number[] }[]): FlatLayout {
  let size = 0;
  const pieces = members.map(({ name, shape }) => {
    const piece = { name, shape, offset: size, size: sizeOf(shape) };
    size += piece.size;
    return piece;
  });
  return { pieces, size };
}

/** Names of the state tensors of a group. */
export const stateNames = {
  parameters: ({ name }: ParameterGroup) => `parameters.${name}`,
  gradient: ({ name }: ParameterGroup) => `gradient.${name}`,
  firstMoment: ({ name }: ParameterGroup) => `first_moment.${name}`,
  secondMoment: ({ name }: ParameterGroup) => `second_moment.${name}`,
  rowMoment: ({ name }: ParameterGroup) => `row_moment.${name}`,
  columnMoment: ({ name }: ParameterGroup) => `column_moment.${name}`,
} as const;

/** What is kept for every parameter from step to step. */
export type StateKind = keyof typeof stateNames;

/** Where the state of each parameter lies in the vector of its group; means over an axis have a shape without it. */
export function stateLayout(kind: StateKind, { parameters, size }: ParameterGroup): FlatLayout {
  if (kind === "rowMoment") return layOut(parameters.map(({ name, shape }) => ({ name, shape: shape.slice(0, -1) })));
  if (kind !== "columnMoment") return { pieces: parameters, size };
  return layOut(parameters.map(({ name, shape }) => ({ name, shape: [...shape.slice(0, -2), shape.at(-1)!] })));
}
