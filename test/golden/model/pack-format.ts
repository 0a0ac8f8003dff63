import { createHash } from "node:crypto";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

/**
 * A pack is a brotli stream of one line of JSON (name, length and SHA-256 of each file) and the safetensors files one after
 * the other, so that tensors recorded by several variants are stored once. Inside, tensors are rearranged to compress better:
 * numbers as byte planes, whole images as the difference from the 2×2 mean of their sub-images. Unpacking gives the very bytes.
 */
interface PackedFile {
  readonly name: string;
  readonly length: number;
  readonly sha256: string;
}

interface Span {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const elementBytes: Readonly<Record<string, number>> = { U8: 1, F32: 4, I64: 8 };

/** Contents of safetensors files by name → a pack. */
export function pack(files: ReadonlyMap<string, Buffer>): Buffer {
  const index = [...files].map(([name, bytes]): PackedFile => ({ name, length: bytes.length, sha256: sha256(bytes) }));
  const body = [...files.values()].map((bytes) => rearrange(bytes, "pack"));
  const plain = Buffer.concat([Buffer.from(`${JSON.stringify(index)}\n`), ...body]);
  return brotliCompressSync(plain, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
    },
  });
}

/** Throws when a file does not come out as it went in. */
export function unpack(packed: Buffer): Map<string, Buffer> {
  const plain = brotliDecompressSync(packed);
  let start = plain.indexOf("\n") + 1;
  const index: PackedFile[] = JSON.parse(plain.toString("utf8", 0, start));
  const files = new Map<string, Buffer>();
  for (const { name, length, sha256: expected } of index) {
    const bytes = rearrange(plain.subarray(start, start + length), "unpack");
    if (sha256(bytes) !== expected)
      throw new Error(`${name}: the unpacked file has another SHA-256 than the packed one`);
    files.set(name, bytes);
    start += length;
  }
  return files;
}

/** Header and data of a safetensors file. */
function splitSafetensors(bytes: Buffer): { header: Record<string, Span>; dataStart: number } {
  const dataStart = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__, ...header } = JSON.parse(bytes.toString("utf8", 8, dataStart));
  return { header, dataStart };
}

function rearrange(file: Buffer, direction: "pack" | "unpack"): Buffer {
  const out = Buffer.from(file);
  const { header, dataStart } = splitSafetensors(file);
  for (const { dtype, shape, data_offsets: offsets } of Object.values(header)) {
    const [from, to] = [file, out].map((bytes) => bytes.subarray(dataStart + offsets[0], dataStart + offsets[1]));
    if (shape.length === 5)
      differ(from!, to!, shape, direction === "pack" ? from! : to!, direction === "pack" ? -1 : 1);
    else transposeBytes(from!, to!, elementBytes[dtype]!, direction);
  }
  return out;
}

/** [elements, bytes] ↔ [bytes, elements]. */
function transposeBytes(from: Buffer, to: Buffer, width: number, direction: "pack" | "unpack"): void {
  const count = from.length / width;
  for (let i = 0; i < count; i++) {
    for (let plane = 0; plane < width; plane++) {
      if (direction === "pack") to[plane * count + i] = from[i * width + plane]!;
      else to[i * width + plane] = from[plane * count + i]!;
    }
  }
}

/** Images [N, 5, 3, c, c]: the fifth crop ± the mean of the 2×2 pixels at its place in the first four, modulo 256. */
function differ(from: Buffer, to: Buffer, shape: readonly number[], subImages: Buffer, sign: 1 | -1): void {
  const [images, crops, channels, side] = shape as [number, number, number, number, number];
  const plane = side * side;
  for (let row = 0; row < images * channels * plane; row++) {
    const [image, channel, y, x] = [
      Math.floor(row / (channels * plane)),
      Math.floor(row / plane) % channels,
      Math.floor(row / side) % side,
      row % side,
    ];
    const at = (crop: number) => ((image * crops + crop) * channels + channel) * plane;
    const quadrant = (2 * y >= side ? 2 : 0) + (2 * x >= side ? 1 : 0);
    const corner = at(quadrant) + ((2 * y) % side) * side + ((2 * x) % side);
    const sum = subImages[corner]! + subImages[corner + 1]! + subImages[corner + side]! + subImages[corner + side + 1]!;
    const place = at(4) + y * side + x;
    to[place] = from[place]! + sign * ((sum + 2) >> 2);
  }
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
