import { z } from "zod";
import type { Dtype, Tensor } from "../tensor/index.ts";
import { referenceError } from "./reference-error.ts";

const count = z.number().int().positive();
const square = count.refine((value) => Number.isInteger(Math.sqrt(value)), "must be a square number");

const lossesSchema = z.object({ total: z.number(), ce: z.number(), cos_instruct: z.number(), cos_vision: z.number() });

/** Steps of torch.optim.AdamW on the recorded batch with every parameter trained, without clipping. */
const adamwSchema = z.object({
  lr: z.number().min(0),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]),
  eps: z.number().min(0),
  weight_decay: z.literal(0),
  losses_before_and_after_each_step: z.array(lossesSchema).min(2),
});

const variantSchema = z.object({
  semantics: z.enum(["released", "paper"]),
  query_len: square,
  tokenizer_model_max_length: count,
  losses: lossesSchema,
  S: count,
  generate: z
    .record(z.string(), z.object({ sample: z.number().int().min(0), tokens: z.array(z.number().int().min(0)).min(1) }))
    .optional(),
  /** L2 norm of each parameter's gradient; null where there is none. */
  grad_norms: z.record(z.string(), z.number().min(0).nullable()).optional(),
  adamw: adamwSchema.optional(),
});

/** The keys of results.json that are read; every other key is left alone. */
const resultsSchema = z.object({
  images_file: z
    .string()
    .regex(/^(\.\.\/)?(\w[\w.-]*\/)?\w[\w.-]*$/, "must be a file at most one level up and one level down")
    .default("images_u8.safetensors"),
  variants: z
    .record(z.string(), variantSchema)
    .refine((variants) => Object.keys(variants).length > 0, "must not be empty"),
});

export type ReferenceVariant = z.output<typeof variantSchema>;
export type RecordedLosses = z.output<typeof lossesSchema>;
type ReferenceResults = z.output<typeof resultsSchema>;

/** Tensors of a safetensors file by name. */
export type Tensors = ReadonlyMap<string, Tensor>;

/** A folder of recorded inputs and results; docs/reference-folder.md describes it. */
export interface ReferenceFolder {
  readonly folder: string;
  readonly variants: Readonly<Record<string, ReferenceVariant>>;
  readonly inputs: Tensors;
  /** Of the images file: `images_u8`. */
  readonly images: Tensors;
  /** Safetensors files of the folder that are neither its inputs nor those of a variant's forward pass and decodings. */
  readonly others: readonly string[];
  /** Tensors of a variant's file. */
  read(file: string): Promise<Tensors>;
}

/** Contents of results.json. Throws REFERENCE_INVALID naming every wrong key at once. */
export function parseResults(json: unknown, at: string): ReferenceResults {
  const results = resultsSchema.safeParse(json);
  if (results.success) return results.data;
  const problems = results.error.issues.map(({ path, message }) => `${path.join(".") || "the file"}: ${message}`);
  throw referenceError(at, "the keys that docs/reference-folder.md lists", problems.join("; "), results.error);
}

/** File names of a variant. */
export const forwardFile = (variant: string): string => `${variant}.safetensors`;
export const generateFile = (variant: string): string => `${variant}_generate.safetensors`;
export const variantFiles = (variant: string, hasGeneration: boolean): string[] =>
  hasGeneration ? [forwardFile(variant), generateFile(variant)] : [forwardFile(variant)];

/** Gradients and parameters after AdamW's steps; each file is optional. */
export const gradientFiles = (variant: string, { adamw }: ReferenceVariant) => ({
  strided: `${variant}_grads_strided.safetensors`,
  full: `${variant}_grads_full_subset.safetensors`,
  stepped: `${variant}_adamw${adamw ? adamw.losses_before_and_after_each_step.length - 1 : 0}_params.safetensors`,
});

interface Expectation {
  readonly dtype?: Dtype;
  /** A number for a size that is known, a letter for any size of at least one. */
  readonly shape?: readonly (number | string)[];
}

/** The tensor of that name. Throws REFERENCE_INVALID when it is missing or is not what is expected. */
export function pick(tensors: Tensors, name: string, at: string, { dtype, shape }: Expectation = {}): Tensor {
  const tensor = tensors.get(name);
  if (!tensor) throw referenceError(at, `a tensor ${name}`, [...tensors.keys()].slice(0, 6).join(", ") || "no tensors");
  const isShape =
    !shape || (shape.length === tensor.shape.length && shape.every((size, i) => fits(size, tensor.shape[i]!)));
  if (isShape && (!dtype || dtype === tensor.dtype)) return tensor;
  const described = (type: string, sizes: readonly (number | string)[]) => `${type} [${sizes.join(", ")}]`;
  throw referenceError(
    `${at}: ${name}`,
    described(dtype ?? tensor.dtype, shape ?? tensor.shape),
    described(tensor.dtype, tensor.shape),
  );
}

function fits(expected: number | string, actual: number): boolean {
  return typeof expected === "number" ? expected === actual : actual > 0;
}

/** Elements of an integer tensor as numbers. */
export function integers(tensor: Tensor): number[] {
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}
