import { access } from "node:fs/promises";
import { join } from "node:path";
import { FusionError } from "../errors/index.ts";
import { byteSize, type TensorLayout } from "./safetensors.ts";
import { formatWeightIndex, indexFile, singleFile } from "./weight-index.ts";
import { type WeightSource, writeFileAtomically, writeSafetensors } from "./write-safetensors-node.ts";

export interface WriteWeightsOptions {
  /** Data bytes a file may hold before the next shard begins; one larger tensor still gets a file of its own. Default 5 GB. */
  readonly maxShardBytes?: number;
}

/**
 * Writes the weights of a model folder: one `model.safetensors`, or shards with their index where they are larger than a shard may be.
 *
 * Shards are filled in the order of the layout; the index comes last, so that a folder with an index is complete.
 *
 * @returns the names of the files written
 * @throws WRITE_FAILED also when the folder holds weights of the other form, which a reader would confuse with these
 */
export async function writeWeights(
  folder: string,
  source: WeightSource,
  { maxShardBytes = 5e9 }: WriteWeightsOptions = {},
): Promise<string[]> {
  const shards = splitLayout(source.layout, maxShardBytes);
  await refuseOtherForm(folder, shards.length === 1 ? indexFile : singleFile);
  if (shards.length === 1) {
    await writeSafetensors(join(folder, singleFile), source);
    return [singleFile];
  }
  const shardOf = new Map<string, string>();
  const written: string[] = [];
  for (const [i, layout] of shards.entries()) {
    const shard = `model-${fiveDigits(i + 1)}-of-${fiveDigits(shards.length)}.safetensors`;
    await writeSafetensors(join(folder, shard), { ...source, layout, data: (name) => source.data(name) });
    for (const { name } of layout) shardOf.set(name, shard);
    written.push(shard);
  }
  const totalBytes = source.layout.reduce((sum, { dtype, shape }) => sum + byteSize(dtype, shape), 0);
  const index = new TextEncoder().encode(formatWeightIndex(shardOf, totalBytes));
  await writeFileAtomically(join(folder, indexFile), (write) => write(index));
  return [...written, indexFile];
}

function splitLayout(layout: readonly TensorLayout[], maxShardBytes: number): TensorLayout[][] {
  const shards: TensorLayout[][] = [[]];
  let filled = 0;
  for (const tensor of layout) {
    const size = byteSize(tensor.dtype, tensor.shape);
    if (filled > 0 && filled + size > maxShardBytes) {
      shards.push([]);
      filled = 0;
    }
    shards.at(-1)!.push(tensor);
    filled += size;
  }
  return shards;
}

async function refuseOtherForm(folder: string, other: string): Promise<void> {
  const isThere = await access(join(folder, other)).then(
    () => true,
    () => false,
  );
  if (!isThere) return;
  throw new FusionError({
    code: "WRITE_FAILED",
    at: folder,
    expected: `a folder without ${other}`,
    actual: "one that holds it",
    hint: "Remove the old weights, or write to another folder.",
  });
}

function fiveDigits(count: number): string {
  return String(count).padStart(5, "0");
}
