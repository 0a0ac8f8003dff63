import { readdir } from "node:fs/promises";
import { FusionError } from "../errors/index.ts";
import { readFileWithin } from "../files/index-node.ts";
import { indexFile, largestIndex, singleFile } from "./weight-index.ts";
import { describeValue, invalidWeights, listSome } from "./weights-error.ts";

/** Names in a model folder, sorted. Throws MODEL_NOT_FOUND when it is none. */
export async function listModelFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const actual = code === "ENOENT" ? "nothing there" : code === "ENOTDIR" ? "a file" : (code ?? String(cause));
    throw new FusionError({
      code: "MODEL_NOT_FOUND",
      at: folder,
      expected: "a model folder",
      actual,
      hint: "Name a folder that holds config.json and model.safetensors.",
      cause,
    });
  }
}

/** Bytes of an index, unless it is too large to be one. */
export function readIndex(path: string): Promise<Uint8Array> {
  return readFileWithin(path, largestIndex, ({ kind: _, ...problem }) => invalidWeights(path, problem));
}

/** Why a folder with these names has no weights for us: only pickles, shards without an index, or nothing at all. */
export function noWeights(folder: string, names: readonly string[]): FusionError {
  const expected = `${singleFile} or ${indexFile}`;
  const pickles = names.filter((name) => /\.(bin|pt|pth|ckpt|pkl)$/.test(name));
  if (pickles.length > 0) {
    return invalidWeights(folder, {
      expected,
      actual: listSome(pickles.map(describeValue)),
      hint: "Save the weights as safetensors in Python; pickles are never read because they can run code.",
    });
  }
  const isUnfinished = names.some((name) => /^\.model.*\.safetensors\.[0-9a-f]+\.tmp$/.test(name));
  const shards = names.filter((name) => name.endsWith(".safetensors"));
  return new FusionError({
    code: "MODEL_NOT_FOUND",
    at: folder,
    expected,
    actual: names.length === 0 ? "an empty folder" : `neither among ${listSome(names.map(describeValue), 8)}`,
    hint: isUnfinished
      ? "Writing this model was interrupted (fusion model init?): remove the folder and make it again."
      : shards.length > 0
        ? `Add the ${indexFile} that belongs to these shards, or rename a single file to ${singleFile}.`
        : "Name a folder that holds a model in the Hugging Face layout.",
    details: { folder, names: names.slice(0, 50) },
  });
}
