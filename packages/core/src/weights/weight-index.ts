import { parseStrictJson } from "./strict-json.ts";
import { describeValue, invalidWeights, listSome } from "./weights-error.ts";

/** The names Hugging Face folders use. */
export const singleFile = "model.safetensors";
export const indexFile = "model.safetensors.index.json";

/** Bytes; real indices stay under one megabyte. */
export const largestIndex = 64 * 2 ** 20;

/**
 * Tensor name → shard, as `model.safetensors.index.json` says under `weight_map`.
 *
 * @param file - path or address, for messages
 * @throws WEIGHTS_INVALID for an index that is none, or whose shards could lie outside of its folder
 */
export function parseWeightIndex(bytes: Uint8Array, file: string): ReadonlyMap<string, string> {
  const { weight_map: map } = parseStrictJson(bytes, file, "an index");
  const entries = typeof map === "object" && map !== null && !Array.isArray(map) ? Object.entries(map) : [];
  if (entries.length === 0) {
    throw invalidWeights(file, {
      expected: "weight_map, an object from tensor names to file names",
      actual: map === undefined ? "none" : "something else",
    });
  }
  const outside = new Set(entries.map(([, shard]) => shard).filter((shard) => !isInside(shard)));
  if (outside.size > 0) {
    throw invalidWeights(file, {
      expected: "shards named by a plain path below the folder of the index",
      actual: listSome([...outside].map(describeValue)),
      hint: "Do not use this folder unless you know who made it: its index points outside of it.",
    });
  }
  return new Map(entries as [string, string][]);
}

/** True for `a.safetensors` and `part/a.safetensors`; no `..`, root, drive or backslash. */
function isInside(shard: unknown): boolean {
  return (
    typeof shard === "string" &&
    !/[\\:\0]/.test(shard) &&
    shard.split("/").every((part) => part !== "" && part !== "." && part !== "..")
  );
}

/** The text of an index over `shardOf` (tensor name → shard), as Hugging Face libraries write it. */
export function formatWeightIndex(shardOf: ReadonlyMap<string, string>, totalBytes: number): string {
  const weight_map = Object.fromEntries([...shardOf].sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ metadata: { total_size: totalBytes }, weight_map }, undefined, 2)}\n`;
}
