import { dirname, join, relative, sep } from "node:path";
import { FusionError } from "../errors/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { listModelFolder, noWeights, readIndex } from "./model-folder-node.ts";
import type { TensorSpan } from "./safetensors.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors-file-node.ts";
import { indexFile, parseWeightIndex, singleFile } from "./weight-index.ts";
import { describeValue, invalidWeights, listSome } from "./weights-error.ts";

export interface WeightEntry extends TensorSpan {
  /** Real absolute path of the file that holds the bytes. */
  readonly path: string;
  /** The same file relative to {@link WeightStore.folder}, with forward slashes; the path itself when there is no such folder. */
  readonly location: string;
}

/** The weights of a model folder: every tensor's place, and its bytes on demand. */
export interface WeightStore {
  /**
   * Real folder that all files lie in or below; undefined when they share none (two Windows drives).
   *
   * ONNX Runtime maps external data from one folder and refuses links that leave it, so hub caches, whose model folders are
   * links into a folder of blobs, must be named by where the links lead.
   */
  readonly folder: string | undefined;
  readonly entries: ReadonlyMap<string, WeightEntry>;
  /** Tensors that lie in a shard but that the index does not name; they are not among the entries. */
  readonly unlisted: readonly string[];
  /** Bytes of all entries. */
  readonly totalBytes: number;
  /** Reads one tensor into fresh memory. Throws WEIGHTS_INVALID for an unknown name. */
  read(name: string): Promise<Tensor>;
  /** Reads `count` elements of one tensor from `first` on; `shape` is [count]. */
  readElements(name: string, first: number, count: number): Promise<Tensor>;
  close(): Promise<void>;
}

/**
 * Opens `model.safetensors`, or else `model.safetensors.index.json` with its shards; reads and checks the headers only.
 *
 * @throws MODEL_NOT_FOUND when the folder or the weights in it are missing; WEIGHTS_INVALID for pickles only, missing shards (all of them in one
 *   error), an index that leaves the folder or names what no shard holds, and every lie of a header
 */
export async function openWeights(folder: string): Promise<WeightStore> {
  const names = await listModelFolder(folder);
  if (names.includes(singleFile)) {
    const file = await openSafetensors(join(folder, singleFile));
    return new OpenWeights(new Map([...file.tensors.keys()].map((name) => [name, file])), [file], []);
  }
  if (names.includes(indexFile)) return openShards(folder);
  throw noWeights(folder, names);
}

async function openShards(folder: string): Promise<WeightStore> {
  const indexPath = join(folder, indexFile);
  const shardOf = parseWeightIndex(await readIndex(indexPath), indexPath);
  const shards = new Map<string, SafetensorsFile>();
  try {
    const missing: string[] = [];
    for (const shard of new Set(shardOf.values())) {
      try {
        shards.set(shard, await openSafetensors(join(folder, shard)));
      } catch (error) {
        if (!FusionError.isInstance(error) || error.code !== "MODEL_NOT_FOUND") throw error;
        missing.push(shard);
      }
    }
    checkShards(indexPath, shardOf, shards, missing);
    const fileOf = new Map([...shardOf].map(([name, shard]) => [name, shards.get(shard)!]));
    const held = [...shards.values()].flatMap((file) => [...file.tensors.keys()]);
    return new OpenWeights(
      fileOf,
      [...shards.values()],
      [...new Set(held)].filter((name) => !shardOf.has(name)),
    );
  } catch (error) {
    await Promise.all([...shards.values()].map((file) => file.close()));
    throw error;
  }
}

function checkShards(
  indexPath: string,
  shardOf: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, SafetensorsFile>,
  missing: readonly string[],
): void {
  if (missing.length > 0) {
    throw invalidWeights(indexPath, {
      expected: `${missing.length + shards.size} shards beside the index`,
      actual: `${missing.length} missing: ${listSome(missing.map(describeValue))}`,
      hint: "Download the missing files into the same folder.",
      details: { missing },
    });
  }
  const absent = [...shardOf].filter(([name, shard]) => !shards.get(shard)!.tensors.has(name)).map(([name]) => name);
  if (absent.length > 0) {
    throw invalidWeights(indexPath, {
      expected: "each tensor in the shard that the index names",
      actual: `${absent.length} not there: ${listSome(absent.map(describeValue))}`,
      hint: "Download index and shards again from one source: they do not belong together.",
      details: { absent },
    });
  }
}

class OpenWeights implements WeightStore {
  readonly folder: string | undefined;
  readonly entries: ReadonlyMap<string, WeightEntry>;
  readonly totalBytes: number;

  constructor(
    private readonly fileOf: ReadonlyMap<string, SafetensorsFile>,
    private readonly files: readonly SafetensorsFile[],
    readonly unlisted: readonly string[],
  ) {
    this.folder = commonFolder(files.map((file) => dirname(file.path)));
    const entries = [...fileOf].map(([name, file]): [string, WeightEntry] => {
      const { dtype, shape, offset, length } = file.tensors.get(name)!;
      const location = this.folder === undefined ? file.path : relative(this.folder, file.path).split(sep).join("/");
      return [name, { dtype, shape, offset, length, path: file.path, location }];
    });
    this.entries = new Map(entries);
    this.totalBytes = entries.reduce((sum, [, { length }]) => sum + length, 0);
  }

  async read(name: string): Promise<Tensor> {
    return this.#fileOf(name).read(name);
  }

  async readElements(name: string, first: number, count: number): Promise<Tensor> {
    return this.#fileOf(name).readElements(name, first, count);
  }

  /** An unknown name gets the message of a file that lacks it. */
  #fileOf(name: string): SafetensorsFile {
    return this.fileOf.get(name) ?? this.files[0]!;
  }

  async close(): Promise<void> {
    await Promise.all(this.files.map((file) => file.close()));
  }
}

/** Deepest folder that holds all of `folders`. */
function commonFolder(folders: readonly string[]): string | undefined {
  let common = folders[0]!;
  const isOutside = (folder: string) => {
    const path = relative(common, folder);
    return path === ".." || path.startsWith(`..${sep}`) || path === folder;
  };
  while (folders.some(isOutside)) {
    if (dirname(common) === common) return undefined;
    common = dirname(common);
  }
  return common;
}
