import { FusionError } from "../errors/index.ts";
import { readJsonFile } from "../files/index-node.ts";

/** Bytes; the largest real ones, with rope factors and label lists, stay below 100 kB. */
const largestConfig = 4 * 2 ** 20;

/** Contents of a JSON file; undefined when `optional` and there is no such file. Throws CONFIG_INVALID otherwise. */
export async function readJson(
  path: string,
  { optional = false, maxBytes = largestConfig }: { optional?: boolean; maxBytes?: number } = {},
): Promise<unknown> {
  let isMissing = false;
  try {
    return await readJsonFile(path, maxBytes, ({ kind, hint, ...problem }) => {
      isMissing = kind === "missing";
      const folderHint = "Check the folder: a model folder has config.json, tokenizer.json and model.safetensors.";
      return new FusionError({
        code: "CONFIG_INVALID",
        at: path,
        hint: kind === "not JSON" || kind === "too large" ? hint : folderHint,
        ...problem,
      });
    });
  } catch (error) {
    if (optional && isMissing) return undefined;
    throw error;
  }
}
