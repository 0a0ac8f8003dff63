import { type Dtype, dtypeFacts, type Tensor, tensor } from "../tensor/index.ts";
import { headerEnd, lengthBytes } from "./header-end.ts";
import { isRecord, parseStrictJson } from "./strict-json.ts";
import { describeValue, invalidWeights } from "./weights-error.ts";

/** Our element types ↔ their names in a safetensors header. */
export const safetensorsDtypes: Readonly<Record<Dtype, string>> = {
  float32: "F32",
  float64: "F64",
  float16: "F16",
  bfloat16: "BF16",
  int64: "I64",
  int32: "I32",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
};

const dtypeByName = new Map(Object.entries(safetensorsDtypes).map(([dtype, name]) => [name, dtype as Dtype]));

/** A tensor before it has a place: what a writer must know up front. */
export interface TensorLayout {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** Where the bytes of a tensor lie. */
export interface TensorSpan {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** First byte, counted from the start of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

export interface SafetensorsHeader {
  /** In the order in which the bytes lie. */
  readonly tensors: ReadonlyMap<string, TensorSpan>;
  /** The free-form strings under `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads and checks the header of a safetensors file, as strictly as the reference implementation and its format page:
 * tensors cover the data without overlap, hole or rest, and no name stands twice.
 *
 * @param start - the file from its first byte to {@link headerEnd}, or longer
 * @param fileSize - bytes of the whole file
 * @param file - path or address, for messages
 * @throws WEIGHTS_INVALID naming the file and the tensor
 * @see https://github.com/huggingface/safetensors — README "Format", safetensors/src/tensor.rs `Metadata::validate`
 */
export function parseSafetensorsHeader(start: Uint8Array, fileSize: number, file: string): SafetensorsHeader {
  const dataStart = headerEnd(start, fileSize, file);
  if (start.length < dataStart) {
    throw invalidWeights(file, { expected: `${dataStart} bytes with the header`, actual: `${start.length}` });
  }
  const bytes = start.subarray(lengthBytes, dataStart);
  if (bytes[0] !== "{".charCodeAt(0)) {
    throw invalidWeights(file, { expected: "a header that begins with {", actual: "something else" });
  }
  const { __metadata__: metadata, ...entries } = parseStrictJson(bytes, file, "a header");
  const spans = Object.entries(entries).map(([name, entry]) => [name, parseEntry(name, entry, file)] as const);
  spans.sort(([, a], [, b]) => a.offset - b.offset || a.length - b.length);
  checkCoverage(spans, fileSize - dataStart, file);
  const tensors = new Map(spans.map(([name, span]) => [name, { ...span, offset: dataStart + span.offset }]));
  return { tensors, metadata: parseMetadata(metadata, file) };
}

/** One tensor's entry; its offset still counts from the start of the data. */
function parseEntry(name: string, entry: unknown, file: string): TensorSpan {
  const wrong = (expected: string, actual: string) => invalidWeights(file, { tensor: name, expected, actual });
  if (name.includes("\0")) throw wrong("a name without a null character", "one with it");
  if (!isRecord(entry)) throw wrong("an object with dtype, shape and data_offsets", describeValue(entry));
  const dtype = typeof entry.dtype === "string" ? dtypeByName.get(entry.dtype) : undefined;
  if (!dtype) throw wrong(`dtype ${[...dtypeByName.keys()].join(", ")}`, describeValue(entry.dtype));
  const { shape, data_offsets: offsets } = entry;
  if (!isCounts(shape)) throw wrong("a shape of non-negative integers", describeValue(shape));
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw wrong("data_offsets of two non-negative integers", describeValue(offsets));
  }
  const [begin, end] = offsets as [number, number];
  const size = byteSize(dtype, shape);
  if (!Number.isSafeInteger(size)) throw wrong("a shape of less than 2^53 bytes", describeValue(shape));
  if (end - begin !== size) {
    throw wrong(`data_offsets that span ${size} bytes (${entry.dtype} [${shape.join(", ")}])`, `${end - begin} bytes`);
  }
  return { dtype, shape, offset: begin, length: size };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** Bytes of a tensor; NaN when the product passes 2^53 on its way, even if a later dimension is 0. */
export function byteSize(dtype: Dtype, shape: readonly number[]): number {
  return shape.reduce(
    (product, dim) => (Number.isSafeInteger(product * dim) ? product * dim : Number.NaN),
    dtypeFacts[dtype].bytes,
  );
}

/** Demands that sorted spans follow one another from 0 to the end of the data. */
function checkCoverage(spans: readonly (readonly [string, TensorSpan])[], dataSize: number, file: string): void {
  let end = 0;
  let previous: string | undefined;
  for (const [name, { offset, length }] of spans) {
    const after = previous === undefined ? "the start of the data" : `tensor ${describeValue(previous)}`;
    if (offset !== end) {
      const kind = offset < end ? `${end - offset} bytes of overlap with` : `a hole of ${offset - end} bytes after`;
      throw invalidWeights(file, { tensor: name, expected: `data at ${end}`, actual: `${offset}: ${kind} ${after}` });
    }
    end = offset + length;
    if (end > dataSize) {
      throw invalidWeights(file, {
        tensor: name,
        expected: `data within the ${dataSize} bytes behind the header`,
        actual: `an end at ${end}`,
        hint: "Download the file again: it was cut short, or its header lies.",
      });
    }
    previous = name;
  }
  if (end !== dataSize) {
    throw invalidWeights(file, {
      expected: `${end} bytes of data, as the header says`,
      actual: `${dataSize} behind the header`,
    });
  }
}

function parseMetadata(metadata: unknown, file: string): Record<string, string> {
  if (metadata === undefined || metadata === null) return {};
  const isText = (value: unknown) => typeof value === "string" && !value.includes("\0");
  if (!isRecord(metadata) || !Object.entries(metadata).flat().every(isText)) {
    throw invalidWeights(file, {
      expected: "__metadata__ as an object of strings without null characters",
      actual: "something else",
    });
  }
  return metadata as Record<string, string>;
}

/** A tensor over little-endian bytes: the same memory where its alignment allows, else a copy. */
export function tensorFromBytes(dtype: Dtype, shape: readonly number[], bytes: Uint8Array): Tensor {
  const { array, bytes: size } = dtypeFacts[dtype];
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return tensor(dtype, shape, new array(aligned.buffer, aligned.byteOffset, Math.floor(aligned.byteLength / size)));
}
