import { sizeOf } from "../tensor/index.ts";

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
}

/** Norms and biases are not decayed: all parameters with one dimension (reference: `get_decay_parameters`). */
export function parameterGroups(
  parameters: ReadonlyMap<string, readonly number[]>,
  { weightDecay }: GroupOptions,
): ParameterGroup[] {
  const all = [...parameters].map(([name, shape]) => ({ name, shape }));
  const isDecayed = ({ shape }: { shape: readonly number[] }) => shape.length > 1;
  return [
    group("matrices", weightDecay, all.filter(isDecayed)),
    group(
      "norms_and_biases",
      0,
      all.filter((parameter) => !isDecayed(parameter)),
    ),
  ].filter(({ size }) => size > 0);
}

function group(
  name: string,
  weightDecay: number,
  members: readonly { name: string; shape: readonly number[] }[],
): ParameterGroup {
  let offset = 0;
  const parameters = members.map(({ name: member, shape }) => {
    const flat = { name: member, shape, offset, size: sizeOf(shape) };
    offset += flat.size;
    return flat;
  });
  return { name, weightDecay, learningRateScale: 1, parameters, size: offset };
}

/** Names of the state tensors of a group. */
export const stateNames = {
  parameters: ({ name }: ParameterGroup) => `parameters.${name}`,
  gradient: ({ name }: ParameterGroup) => `gradient.${name}`,
  firstMoment: ({ name }: ParameterGroup) => `first_moment.${name}`,
  secondMoment: ({ name }: ParameterGroup) => `second_moment.${name}`,
} as const;
