import { invalidWeights } from "./weights-error.ts";

/** The limit of the reference implementation, in bytes. */
export const largestHeader = 100_000_000;

/** Bytes in front of the header: its length, a little-endian u64. */
export const lengthBytes = 8;

/**
 * Bytes from the start of the file to its tensor data: the length field and the header.
 *
 * @param start - at least the first eight bytes of the file
 * @param fileSize - bytes of the whole file
 * @param file - path or address, for messages
 * @throws WEIGHTS_INVALID for a length that is past 100 MB or past the file
 */
export function headerEnd(start: Uint8Array, fileSize: number, file: string): number {
  if (fileSize < lengthBytes || start.length < lengthBytes) {
    throw invalidWeights(file, { expected: "a safetensors file of at least 8 bytes", actual: `${fileSize} bytes` });
  }
  const known = knownImpostor(start);
  if (known) throw invalidWeights(file, { expected: "a safetensors file", ...known });
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  if (length > largestHeader) {
    throw invalidWeights(file, {
      expected: `a header of at most ${largestHeader} bytes`,
      actual: `a header length of ${length}`,
    });
  }
  const end = lengthBytes + Number(length);
  if (end > fileSize) {
    throw invalidWeights(file, {
      expected: `${end} bytes or more, as the header length says`,
      actual: `a file of ${fileSize} bytes`,
    });
  }
  return end;
}

/** Files that are often found under the name of a safetensors file. */
function knownImpostor(start: Uint8Array): { actual: string; hint: string } | undefined {
  const text = String.fromCharCode(...start.subarray(0, lengthBytes));
  if (text === "version ") return { actual: "a Git LFS pointer", hint: "Fetch the real file with `git lfs pull`." };
  if (text.startsWith("PK\u0003\u0004")) {
    return {
      actual: "a zip archive, as PyTorch writes for pickles",
      hint: "Save the weights as safetensors in Python; pickles are never read because they can run code.",
    };
  }
  return undefined;
}
