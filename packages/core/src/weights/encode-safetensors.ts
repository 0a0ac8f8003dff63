import { dtypeFacts } from "../tensor/index.ts";
import { largestHeader, lengthBytes } from "./header-end.ts";
import { byteSize, safetensorsDtypes, type TensorLayout, type TensorSpan } from "./safetensors.ts";
import { invalidWeights } from "./weights-error.ts";

export interface EncodedHeader {
  /** Length field and header, padded with spaces to a multiple of 8. */
  readonly bytes: Uint8Array;
  /** The tensors in the order in which their data must follow; offsets count from the start of the file. */
  readonly tensors: ReadonlyMap<string, TensorSpan>;
  /** Bytes of the whole file. */
  readonly fileSize: number;
}

/**
 * The first bytes of a safetensors file, and where its tensors go.
 *
 * Wide element types come first, otherwise in the order given, so that each tensor is aligned to its own element size.
 *
 * @param file - path or address, for messages
 * @throws WEIGHTS_INVALID for a name given twice, a reserved one, a shape that is none, a header past 100 MB
 */
export function encodeSafetensorsHeader(
  layout: readonly TensorLayout[],
  metadata: Readonly<Record<string, string>> | undefined,
  file: string,
): EncodedHeader {
  const ordered = [...layout].sort((a, b) => dtypeFacts[b.dtype].bytes - dtypeFacts[a.dtype].bytes);
  const spans = new Map<string, TensorSpan>();
  const header = new Map<string, unknown>(metadata ? [["__metadata__", metadata]] : []);
  let end = 0;
  for (const { name, dtype, shape } of ordered) {
    checkLayout({ name, dtype, shape }, spans.has(name), file);
    const length = byteSize(dtype, shape);
    spans.set(name, { dtype, shape: [...shape], offset: end, length });
    header.set(name, { dtype: safetensorsDtypes[dtype], shape, data_offsets: [end, end + length] });
    end += length;
  }
  const bytes = frame(JSON.stringify(Object.fromEntries(header)), file);
  const tensors = new Map([...spans].map(([name, span]) => [name, { ...span, offset: bytes.length + span.offset }]));
  return { bytes, tensors, fileSize: bytes.length + end };
}

function checkLayout({ name, dtype, shape }: TensorLayout, isTaken: boolean, file: string): void {
  const wrong = (expected: string, actual: string) =>
    invalidWeights(file, { tensor: name, expected, actual, hint: "Correct the layout that is to be written." });
  if (isTaken) throw wrong("each tensor once", "this one twice");
  if (name === "__metadata__" || name.includes("\0"))
    throw wrong("a name other than __metadata__, without a null character", "a reserved one");
  const isShape = shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0);
  if (!isShape || !Number.isSafeInteger(byteSize(dtype, shape))) {
    throw wrong("a shape of non-negative integers", `[${shape.join(", ")}]`);
  }
}

function frame(json: string, file: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / 8) * 8;
  if (length > largestHeader) {
    throw invalidWeights(file, {
      expected: `a header of at most ${largestHeader} bytes`,
      actual: `${length}`,
      hint: "Spread the tensors over several files.",
    });
  }
  const bytes = new Uint8Array(lengthBytes + length).fill(" ".charCodeAt(0));
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, lengthBytes);
  return bytes;
}
