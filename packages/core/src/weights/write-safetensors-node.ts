import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FusionError } from "../errors/index.ts";
import { dtypeFacts, type Tensor } from "../tensor/index.ts";
import { encodeSafetensorsHeader } from "./encode-safetensors.ts";
import type { TensorLayout, TensorSpan } from "./safetensors.ts";
import { describeValue } from "./weights-error.ts";

/** A write call of Node moves less than 2 GiB. */
const largestWrite = 2 ** 30;

/**
 * The data of one tensor, whole or in pieces.
 *
 * A typed array has the tensor's own element type (16-bit floats: raw words), or is a `Uint8Array` of little-endian bytes. A piece
 * may be reused by its maker once the next one is asked for.
 */
export type TensorData = ArrayBufferView | Iterable<ArrayBufferView> | AsyncIterable<ArrayBufferView>;

/** What is to be written: names and shapes up front, data when its turn comes, so that gigabytes pass through. */
export interface WeightSource {
  readonly layout: readonly TensorLayout[];
  /** Called once for each name of the layout, one after the other. */
  data(name: string): TensorData | Promise<TensorData>;
  /** Free-form strings for the header. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A source over tensors in memory. */
export function sourceOf(
  tensors: Readonly<Record<string, Tensor>>,
  metadata?: Readonly<Record<string, string>>,
): WeightSource {
  return {
    layout: Object.entries(tensors).map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
    data: (name) => tensors[name]!.data,
    metadata,
  };
}

/**
 * Writes a safetensors file: complete under its name, or not at all.
 *
 * The bytes go to a hidden temporary file in the same folder, are flushed to the disk and renamed into place. On any failure the
 * temporary file is removed and a file that stood under the name before is left as it was.
 *
 * @throws WEIGHTS_INVALID for a layout that cannot be written; SHAPE_MISMATCH or DTYPE_MISMATCH for data that does not fit its layout;
 *   WRITE_FAILED when the disk refuses; whatever `data` throws
 */
export async function writeSafetensors(path: string, source: WeightSource): Promise<void> {
  const header = encodeSafetensorsHeader(source.layout, source.metadata, path);
  await writeFileAtomically(path, async (write) => {
    await write(header.bytes);
    for (const [name, span] of header.tensors) {
      await writeTensor(await source.data(name), span, `${path}: tensor ${describeValue(name)}`, write);
    }
  });
}

type Write = (bytes: Uint8Array) => Promise<void>;

async function writeTensor(data: TensorData, span: TensorSpan, at: string, write: Write): Promise<void> {
  const { array } = dtypeFacts[span.dtype];
  let written = 0;
  for await (const piece of ArrayBuffer.isView(data) ? [data] : data) {
    if (!(piece instanceof Uint8Array || piece instanceof array)) {
      throw new FusionError({
        code: "DTYPE_MISMATCH",
        at,
        expected: `${array.name} (${span.dtype}) or Uint8Array`,
        actual: piece.constructor.name,
        hint: "Convert the values to the element type of the layout first.",
      });
    }
    written += piece.byteLength;
    if (written > span.length) break;
    await write(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
  }
  if (written !== span.length) {
    throw new FusionError({
      code: "SHAPE_MISMATCH",
      at,
      expected: `${span.length} bytes (${span.dtype} [${span.shape.join(", ")}])`,
      actual: written > span.length ? `${written} or more` : `${written}`,
      hint: "Give as many values as the shape in the layout holds.",
    });
  }
}

/** Runs `fill` on a temporary file beside `path`, flushes it and renames it to `path`; removes it when anything fails. */
export async function writeFileAtomically(path: string, fill: (write: Write) => Promise<void>): Promise<void> {
  // Before gigabytes are written: a folder under that name would only stop the rename at the end.
  const existing = await stat(path).catch(() => undefined);
  if (existing?.isDirectory()) throw writeFailed(path, undefined, "a folder");
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  const handle = await open(temporary, "wx").catch((cause: unknown) => {
    throw writeFailed(path, cause);
  });
  try {
    await fill((bytes) => writeBytes(handle, bytes, path));
    await onDisk(path, () => handle.sync());
    await onDisk(path, () => handle.close());
    await onDisk(path, () => rename(temporary, path));
  } catch (error) {
    // Closing twice is harmless; a failed clean-up must not hide why the write failed.
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function writeBytes(handle: FileHandle, bytes: Uint8Array, path: string): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const piece = bytes.subarray(done, done + largestWrite);
    done += (await onDisk(path, () => handle.write(piece))).bytesWritten;
  }
}

async function onDisk<Result>(path: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (cause) {
    throw writeFailed(path, cause);
  }
}

const hints: Readonly<Record<string, string>> = {
  ENOSPC: "Free some space on the disk, or write to another one.",
  EDQUOT: "Free some of your quota, or write to another disk.",
  EFBIG: "Write smaller shards, or to a file system that takes large files.",
  ENOENT: "Create the folder first.",
  ENOTDIR: "Name a file in a folder.",
  EACCES: "Choose a folder that you may write to.",
  EPERM: "Choose a folder that you may write to.",
  EROFS: "Choose a folder that you may write to.",
};

function writeFailed(path: string, cause: unknown, actual?: string): FusionError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return new FusionError({
    code: "WRITE_FAILED",
    at: path,
    expected: "a file that can be written",
    actual: actual ?? (cause instanceof Error ? cause.message : String(cause)),
    hint: (code && hints[code]) ?? "Check the path and the disk, or write to another folder.",
    details: { path, ...(code && { errno: code }) },
    cause,
  });
}
