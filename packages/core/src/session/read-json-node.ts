import { readFile } from "node:fs/promises";
import { FusionError } from "../errors/index.ts";

/** Contents of a JSON file; undefined when `optional` and there is no such file. Throws CONFIG_INVALID otherwise. */
export async function readJson(path: string, { optional = false } = {}): Promise<unknown> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if (optional && (cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new FusionError({
      code: "CONFIG_INVALID",
      at: path,
      expected: "a readable file",
      actual: (cause as NodeJS.ErrnoException).code ?? String(cause),
      hint: "Check the folder: a model folder has config.json, tokenizer.json and model.safetensors.",
      cause,
    });
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new FusionError({
      code: "CONFIG_INVALID",
      at: path,
      expected: "JSON in UTF-8",
      actual: bytes.length === 0 ? "an empty file" : (cause as Error).message,
      hint: "Copy the file again from where the model came from.",
      cause,
    });
  }
}
