import { FusionError } from "../errors/index.ts";
import { type Dtype, dtypeFacts, sizeOf } from "../tensor/index.ts";
import type { Feeds, OnnxModel, Program, RunOptions, StateWrite, ValueInfo } from "./backend.ts";

type ModelInfo = Program["model"];
type Shape = readonly (number | string)[];

/**
 * Throws before the engine is asked when feeds do not fit the program's inputs: OPTION_INVALID for a missing or unknown
 * name, DTYPE_MISMATCH, SHAPE_MISMATCH. A symbolic dimension has one size in a whole run; expressions count by their text.
 */
export function checkFeeds(model: ModelInfo, feeds: Feeds): void {
  const known = new Set(model.inputs.map((input) => input.name));
  for (const name of Object.keys(feeds)) {
    if (!known.has(name)) throw nameError(model, "input", name, [...known]);
  }
  const sizes = new Map<string, { size: number; from: string }>();
  for (const input of model.inputs) {
    const feed = feeds[input.name];
    if (!feed) {
      throw new FusionError({
        code: "OPTION_INVALID",
        at: `${model.name}: input ${input.name}`,
        expected: `${input.dtype} ${formatShape(input.shape)}`,
        actual: "nothing",
        hint: "Feed every input of the program.",
      });
    }
    checkDtype(model, input, feed.dtype);
    bindShape(model, input, feed.shape, sizes);
    if ("data" in feed) checkData(model, input, feed.data, feed.shape);
  }
}

function checkDtype(model: ModelInfo, input: ValueInfo, dtype: Dtype): void {
  if (dtype === input.dtype) return;
  throw new FusionError({
    code: "DTYPE_MISMATCH",
    at: `${model.name}: input ${input.name}`,
    expected: input.dtype,
    actual: dtype,
    hint: "Feed a tensor of the input's element type; nothing is converted silently.",
  });
}

function bindShape(
  model: ModelInfo,
  input: ValueInfo,
  shape: readonly number[],
  sizes: Map<string, { size: number; from: string }>,
): void {
  const mismatch = (why: string) =>
    new FusionError({
      code: "SHAPE_MISMATCH",
      at: `${model.name}: input ${input.name}`,
      expected: `${formatShape(input.shape)}${why}`,
      actual: formatShape(shape),
      hint: "Feed a tensor of the input's shape; a named dimension has one size in the whole run.",
    });
  if (shape.length !== input.shape.length) throw mismatch(` (rank ${input.shape.length})`);
  input.shape.forEach((dim, axis) => {
    const size = shape[axis]!;
    if (typeof dim === "number") {
      if (size !== dim) throw mismatch("");
      return;
    }
    const bound = sizes.get(dim);
    if (!bound) sizes.set(dim, { size, from: input.name });
    else if (bound.size !== size) throw mismatch(` with ${dim} = ${bound.size} (from input ${bound.from})`);
  });
}

function checkData(model: ModelInfo, input: ValueInfo, data: ArrayLike<unknown>, shape: readonly number[]): void {
  const { array } = dtypeFacts[input.dtype];
  if (!(data instanceof array)) {
    throw new FusionError({
      code: "DTYPE_MISMATCH",
      at: `${model.name}: input ${input.name}`,
      expected: `${array.name} for ${input.dtype}`,
      actual: data?.constructor?.name ?? String(data),
      hint: "Make tensors with tensor(), float32() or int64().",
    });
  }
  if (data.length !== sizeOf(shape)) {
    throw new FusionError({
      code: "SHAPE_MISMATCH",
      at: `${model.name}: input ${input.name}`,
      expected: `${sizeOf(shape)} elements for ${formatShape(shape)}`,
      actual: `${data.length}`,
      hint: "Make tensors with tensor(), float32() or int64().",
    });
  }
}

/** The outputs a run returns, in the program's order. Throws OPTION_INVALID for names that are unknown or also written. */
export function checkOutputs(model: ModelInfo, { fetch, write = {} }: RunOptions): string[] {
  const known = model.outputs.map((output) => output.name);
  for (const name of [...(fetch ?? []), ...Object.keys(write)]) {
    if (!known.includes(name)) throw nameError(model, "output", name, known);
  }
  const both = fetch?.find((name) => name in write);
  if (both !== undefined) {
    throw new FusionError({
      code: "OPTION_INVALID",
      at: `${model.name}: output ${both}`,
      expected: "either fetch or write",
      actual: "both",
      hint: "Read the state after the run when its contents are wanted.",
    });
  }
  const returned = known.filter((name) => (fetch ? fetch.includes(name) : !(name in write)));
  if (returned.length + Object.keys(write).length === 0) {
    throw new FusionError({
      code: "OPTION_INVALID",
      at: `${model.name}: fetch`,
      expected: "at least one output to fetch or write",
      actual: "none",
      hint: "Leave `fetch` out to get all outputs.",
    });
  }
  return returned;
}

/** Throws DTYPE_MISMATCH or SHAPE_MISMATCH when a block of this shape cannot be written to the state at the offset. */
export function checkWrite(
  model: ModelInfo,
  name: string,
  block: { dtype: Dtype; shape: Shape },
  to: StateWrite,
): void {
  const at = `${model.name}: write of ${name}`;
  const { into, axis, offset } = to;
  if (block.dtype !== into.dtype) {
    throw new FusionError({
      code: "DTYPE_MISMATCH",
      at,
      expected: `a state of ${block.dtype}`,
      actual: into.dtype,
      hint: "Allocate the state with the output's dtype.",
    });
  }
  const fits =
    block.shape.length === into.shape.length &&
    Number.isInteger(axis) &&
    axis >= 0 &&
    axis < into.shape.length &&
    Number.isInteger(offset) &&
    offset >= 0 &&
    block.shape.every((dim, d) => {
      const room = into.shape[d]!;
      if (typeof dim === "string") return d !== axis || offset <= room;
      return d === axis ? offset + dim <= room : dim === room;
    });
  if (fits) return;
  throw new FusionError({
    code: "SHAPE_MISMATCH",
    at,
    expected: `a block that fits ${formatShape(into.shape)} at offset ${offset} of axis ${axis}`,
    actual: formatShape(block.shape),
    hint: "Resize the state first, or correct axis and offset.",
  });
}

/** Throws OPTION_INVALID when `axis` is not one of the shape's, or `length` is no size. */
export function checkResize(shape: readonly number[], axis: number, length: number): void {
  if (Number.isInteger(axis) && axis >= 0 && axis < shape.length && Number.isSafeInteger(length) && length >= 0) return;
  throw new FusionError({
    code: "OPTION_INVALID",
    at: "state: resize",
    expected: `an axis from 0 to ${shape.length - 1} and a length of 0 or more`,
    actual: `axis ${axis}, length ${length}`,
    hint: "Pass an axis of the state and its new size along it.",
  });
}

/** Throws OPTION_INVALID for sizes that are no sizes. */
export function checkAllocation(dtype: Dtype, shape: readonly number[]): void {
  if (dtype in dtypeFacts && shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) return;
  throw new FusionError({
    code: "OPTION_INVALID",
    at: "state: allocate",
    expected: "a dtype and whole sizes of 0 or more",
    actual: `${dtype} ${formatShape(shape)}`,
    hint: "Allocate with numbers; named dimensions have no size of their own.",
  });
}

/** Throws DTYPE_MISMATCH for bfloat16 at the border of a program: ONNX Runtime has no such tensor in JavaScript. */
export function checkBorder(model: OnnxModel): void {
  for (const [kind, values] of [["input", model.inputs] as const, ["output", model.outputs] as const]) {
    const bad = values.find((value) => value.dtype === "bfloat16");
    if (!bad) continue;
    throw new FusionError({
      code: "DTYPE_MISMATCH",
      at: `${model.name}: ${kind} ${bad.name}`,
      expected: "a dtype that crosses into the engine",
      actual: "bfloat16",
      hint: "Cast to or from float32 inside the graph.",
    });
  }
}

function nameError(model: ModelInfo, kind: "input" | "output", name: string, known: readonly string[]): FusionError {
  return new FusionError({
    code: "OPTION_INVALID",
    at: `${model.name}: ${kind} ${name}`,
    expected: `one of ${known.join(", ")}`,
    actual: name,
    hint: `Use the names of the program's ${kind}s.`,
  });
}

function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}
