import { type FileHandle, open, realpath, stat } from "node:fs/promises";
import { FusionError } from "../errors/index.ts";
import { dtypeFacts, type Tensor } from "../tensor/index.ts";
import { headerEnd, lengthBytes } from "./header-end.ts";
import { parseSafetensorsHeader, type TensorSpan, tensorFromBytes } from "./safetensors.ts";
import { describeValue, invalidWeights } from "./weights-error.ts";

/** A read call of Node moves less than 2 GiB. */
const largestRead = 2 ** 30;

export interface FileTensor extends TensorSpan {
  /** Real path of the file that holds the bytes. */
  readonly file: string;
}

/** An open safetensors file of which only the header has been read. */
export interface SafetensorsFile {
  /** Real path, links resolved. */
  readonly path: string;
  /** In the order in which the bytes lie. */
  readonly tensors: ReadonlyMap<string, FileTensor>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Reads one tensor into fresh memory. Throws WEIGHTS_INVALID for an unknown name or bytes that have gone. */
  read(name: string): Promise<Tensor>;
  /** Reads `count` elements from `first` on, in their element type; as `read` otherwise. */
  readElements(name: string, first: number, count: number): Promise<Tensor>;
  close(): Promise<void>;
}

/**
 * Opens a safetensors file and reads its header, checked; the data stays on the disk until it is asked for.
 *
 * @throws MODEL_NOT_FOUND when nothing is there; WEIGHTS_INVALID for a folder, an unreadable file or a header that lies
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const file = await findFile(path);
  const handle = await open(file, "r").catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    const { size } = await handle.stat();
    const start = await readBytes(handle, 0, Math.min(lengthBytes, size), path);
    const header = parseSafetensorsHeader(await readBytes(handle, 0, headerEnd(start, size, path), path), size, path);
    return new OpenSafetensors(path, file, handle, header.tensors, header.metadata);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

class OpenSafetensors implements SafetensorsFile {
  readonly tensors: ReadonlyMap<string, FileTensor>;

  constructor(
    private readonly shownPath: string,
    readonly path: string,
    private readonly handle: FileHandle,
    tensors: ReadonlyMap<string, TensorSpan>,
    readonly metadata: Readonly<Record<string, string>>,
  ) {
    this.tensors = new Map([...tensors].map(([name, span]) => [name, { ...span, file: path }]));
  }

  async read(name: string): Promise<Tensor> {
    const { dtype, shape, offset, length } = this.#span(name);
    return tensorFromBytes(dtype, shape, await readBytes(this.handle, offset, length, this.shownPath, name));
  }

  async readElements(name: string, first: number, count: number): Promise<Tensor> {
    const { dtype, offset } = this.#span(name);
    const { bytes } = dtypeFacts[dtype];
    const read = await readBytes(this.handle, offset + first * bytes, count * bytes, this.shownPath, name);
    return tensorFromBytes(dtype, [count], read);
  }

  #span(name: string): TensorSpan {
    const span = this.tensors.get(name);
    if (span) return span;
    throw invalidWeights(this.shownPath, {
      tensor: name,
      expected: "a tensor of this name",
      actual: `none among ${this.tensors.size}`,
      hint: `Ask for a tensor that the file holds, for example ${describeValue([...this.tensors.keys()][0])}.`,
    });
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** Real path of a plain file: opening a pipe would wait for ever. */
async function findFile(path: string): Promise<string> {
  try {
    const file = await realpath(path);
    const facts = await stat(file);
    if (facts.isFile()) return file;
    throw invalidWeights(path, {
      expected: "a safetensors file",
      actual: facts.isDirectory() ? "a folder" : "something that is not a file",
      hint: "Name the file itself.",
    });
  } catch (cause) {
    throw FusionError.isInstance(cause) ? cause : unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): FusionError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new FusionError({
      code: "MODEL_NOT_FOUND",
      at: path,
      expected: "a safetensors file",
      actual: "no such file",
      hint: "Check the path; a link to a file that was deleted counts as missing.",
      cause,
    });
  }
  return invalidWeights(path, {
    expected: "a readable file",
    actual: code ?? String(cause),
    hint: "Check the permissions and the disk.",
    cause,
  });
}

async function readBytes(
  handle: FileHandle,
  offset: number,
  length: number,
  file: string,
  tensor?: string,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const take = Math.min(length - done, largestRead);
    const { bytesRead } = await handle.read(bytes, done, take, offset + done).catch((cause: unknown) => {
      throw unreadable(file, cause);
    });
    if (bytesRead === 0) {
      throw invalidWeights(file, {
        tensor,
        expected: `${length} bytes at ${offset}`,
        actual: `${done}`,
        hint: "Leave the file as it is while it is open: it has become shorter.",
      });
    }
    done += bytesRead;
  }
  return bytes;
}
