import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FusionError } from "../errors/index.ts";
import { readJsonFile } from "../files/index-node.ts";
import { openSafetensors } from "../weights/index-node.ts";
import { referenceError } from "./reference-error.ts";
import { parseResults, type ReferenceFolder, type Tensors, variantFiles } from "./reference-folder.ts";

/** Bytes of results.json; the recorded ones have 0.2 MB. */
const largestResults = 64 * 2 ** 20;

/**
 * Opens a reference folder.
 *
 * @throws REFERENCE_INVALID naming what is missing or malformed; WEIGHTS_INVALID for a damaged safetensors file
 */
export async function openReference(folder: string): Promise<ReferenceFolder> {
  const files = await readdir(folder).catch((cause) => {
    throw referenceError(folder, "a reference folder", errorCode(cause), cause);
  });
  const requireFile = (file: string) => {
    if (!files.includes(file)) throw referenceError(folder, file, files.slice(0, 6).join(", ") || "an empty folder");
    return join(folder, file);
  };
  const inputs = requireFile("inputs.safetensors");
  const { variants, images_file: images } = parseResults(
    await readJson(requireFile("results.json")),
    join(folder, "results.json"),
  );
  const recorded = Object.entries(variants).flatMap(([name, { generate }]) =>
    variantFiles(name, generate !== undefined),
  );
  for (const file of recorded) requireFile(file);
  const compared = ["inputs.safetensors", "model.safetensors", images, ...recorded];
  return {
    folder,
    variants,
    inputs: await readTensors(inputs),
    images: await readTensors(resolve(folder, images)),
    others: files.filter((file) => file.endsWith(".safetensors") && !compared.includes(file)).sort(),
    read: (file) => readTensors(join(folder, file)),
  };
}

async function readTensors(path: string): Promise<Tensors> {
  const file = await openSafetensors(path).catch((cause) => {
    if (FusionError.isInstance(cause) && cause.code === "MODEL_NOT_FOUND") {
      throw referenceError(path, "a safetensors file", "no such file", cause);
    }
    throw cause;
  });
  try {
    const tensors = new Map();
    for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
    return tensors;
  } finally {
    await file.close();
  }
}

function readJson(path: string): Promise<unknown> {
  return readJsonFile(path, largestResults, ({ expected, actual, cause }) =>
    referenceError(path, expected, actual, cause),
  );
}

function errorCode(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? String(cause);
}
