import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { FusionError } from "../errors/index.ts";
import { readJson } from "../session/read-json-node.ts";
import type { Tensor } from "../tensor/index.ts";
import { openSafetensors } from "../weights/index-node.ts";

const lossesSchema = z.object({ total: z.number(), ce: z.number(), cos_instruct: z.number(), cos_vision: z.number() });

const variantSchema = z.object({
  semantics: z.enum(["released", "paper"]),
  query_len: z.number().int().positive(),
  tokenizer_model_max_length: z.number().int().positive(),
  losses: lossesSchema,
  S: z.number().int().positive(),
  generate: z.record(z.string(), z.object({ sample: z.number().int(), tokens: z.array(z.number().int()) })).optional(),
});

const resultsSchema = z.object({
  images_file: z.string().optional(),
  variants: z.record(z.string(), variantSchema),
});

export type ReferenceVariant = z.output<typeof variantSchema>;

/** Tensors of a safetensors file by name. */
export type Tensors = ReadonlyMap<string, Tensor>;

/** A folder of recorded inputs and results; docs/reference-folder.md describes it. */
export interface ReferenceFolder {
  readonly folder: string;
  readonly variants: Readonly<Record<string, ReferenceVariant>>;
  readonly inputs: Tensors;
  /** uint8 [N, 5, 3, c, c]: four sub-images and the whole image each. */
  readonly images: Tensor;
  /** Tensors of `<name>.safetensors`; undefined when there is no such file. */
  read(name: string): Promise<Tensors | undefined>;
}

/** Opens a reference folder. Throws REFERENCE_INVALID naming what is missing or malformed. */
export async function openReference(folder: string): Promise<ReferenceFolder> {
  const files = await readdir(folder).catch((cause) => {
    throw referenceError(folder, "a reference folder", (cause as NodeJS.ErrnoException).code ?? String(cause));
  });
  for (const needed of ["inputs.safetensors", "results.json"]) {
    if (!files.includes(needed)) throw referenceError(folder, needed, files.slice(0, 6).join(", ") || "an empty folder");
  }
  const results = resultsSchema.safeParse(await readJson(join(folder, "results.json")));
  if (!results.success) {
    const problems = results.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
    throw referenceError(join(folder, "results.json"), "the layout of docs/reference-folder.md", problems);
  }
  const imagesFile = results.data.images_file ?? "images_u8.safetensors";
  if (!/^(\.\.\/)?(\w[\w.-]*\/)?\w[\w.-]*$/.test(imagesFile)) {
    throw referenceError(join(folder, "results.json"), "images_file at most one level up", `"${imagesFile}"`);
  }
  const imageTensors = await readTensors(resolve(folder, imagesFile));
  const images = imageTensors.get("images_u8");
  if (!images) throw referenceError(imagesFile, "a tensor images_u8", [...imageTensors.keys()].join(", "));
  return {
    folder,
    variants: results.data.variants,
    inputs: await readTensors(join(folder, "inputs.safetensors")),
    images,
    read: async (name) =>
      files.includes(`${name}.safetensors`) ? readTensors(join(folder, `${name}.safetensors`)) : undefined,
  };
}

/** The tensor of that name. Throws REFERENCE_INVALID. */
export function pick(tensors: Tensors, name: string, at: string): Tensor {
  const tensor = tensors.get(name);
  if (tensor) return tensor;
  throw referenceError(at, `a tensor ${name}`, [...tensors.keys()].slice(0, 6).join(", "));
}

async function readTensors(path: string): Promise<Tensors> {
  const file = await openSafetensors(path);
  try {
    const tensors = new Map<string, Tensor>();
    for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
    return tensors;
  } finally {
    await file.close();
  }
}

function referenceError(at: string, expected: string, actual: string): FusionError {
  const hint = "See docs/reference-folder.md for the files and tensors a reference folder holds.";
  return new FusionError({ code: "REFERENCE_INVALID", at, expected, actual, hint });
}
