import { FusionError } from "../errors/index.ts";
import { type RgbImage, rgbImage } from "./rgb-image.ts";

/** 32-bit sums minus 8 bits of pixel minus 2 bits of headroom for the filter's negative lobes. */
const PRECISION_BITS = 32 - 8 - 2;
const ONE = 1 << PRECISION_BITS;
const HALF = 1 << (PRECISION_BITS - 1);
const SUPPORT = 2;

/** Which input positions make an output position, and with which fixed-point weights. */
interface Taps {
  /** First input position of each output position. */
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** [outputs, stride]; a row holds `counts` weights and then zeros. */
  readonly weights: Int32Array;
  readonly stride: number;
}

/**
 * The picture at another size, bit for bit as Pillow's `Image.resize(size, BICUBIC)`.
 *
 * Cubic convolution with a = −0.5, widened by the scale when shrinking (antialiased), weights in 22-bit fixed point,
 * horizontal pass first, 8-bit intermediate; a pass whose size does not change is skipped. The aspect ratio is not kept.
 *
 * @throws OPTION_INVALID when the target size is not positive and whole
 * @see Pillow: src/libImaging/Resample.c
 */
export function resizeBicubic(image: RgbImage, width: number, height: number): RgbImage {
  assertTargetSize(width, height);
  const { data } = rgbImage(image.width, image.height, image.data);
  const rowLength = width * 3;
  const columns = width === image.width ? undefined : taps(image.width, width);
  const rows = height === image.height ? undefined : taps(image.height, height);
  const out = new Uint8ClampedArray(rowLength * height);

  // Pillow keeps the whole horizontally resized picture, [image.height, width, 3], and then resizes its columns. Here each of
  // its rows is added to the outputs it contributes to as soon as it is made: integer sums do not depend on
  // the order, and memory stays bounded by the output however tall the picture is.
  const sums = rows && new Int32Array(out.length).fill(HALF);
  const row = new Uint8ClampedArray(rowLength);
  let firstOutput = 0;
  for (let y = 0; y < image.height; y++) {
    const source = y * image.width * 3;
    if (columns) resizeRow(data, source, columns, row);
    else row.set(data.subarray(source, source + rowLength));

    if (!rows || !sums) {
      out.set(row, y * rowLength);
      continue;
    }
    while (firstOutput < height && rows.starts[firstOutput]! + rows.counts[firstOutput]! <= y) firstOutput++;
    for (let output = firstOutput; output < height && rows.starts[output]! <= y; output++) {
      addRow(sums, output * rowLength, row, rows.weights[output * rows.stride + y - rows.starts[output]!]!);
    }
  }
  if (sums) for (let index = 0; index < sums.length; index++) out[index] = sums[index]! >> PRECISION_BITS;
  return { width, height, data: new Uint8Array(out.buffer) };
}

/** One row of pixels, [columns, 3]; writing to a clamped array is Pillow's clip8. */
function resizeRow(data: Uint8Array, source: number, columns: Taps, row: Uint8ClampedArray): void {
  const { starts, counts, weights, stride } = columns;
  for (let x = 0; x < starts.length; x++) {
    const firstWeight = x * stride;
    const endWeight = firstWeight + counts[x]!;
    let pixel = source + starts[x]! * 3;
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    for (let index = firstWeight; index < endWeight; index++) {
      const weight = weights[index]!;
      red = (red + Math.imul(data[pixel]!, weight)) | 0;
      green = (green + Math.imul(data[pixel + 1]!, weight)) | 0;
      blue = (blue + Math.imul(data[pixel + 2]!, weight)) | 0;
      pixel += 3;
    }
    row[x * 3] = red >> PRECISION_BITS;
    row[x * 3 + 1] = green >> PRECISION_BITS;
    row[x * 3 + 2] = blue >> PRECISION_BITS;
  }
}

function addRow(sums: Int32Array, offset: number, row: Uint8ClampedArray, weight: number): void {
  for (let index = 0; index < row.length; index++) {
    sums[offset + index] = (sums[offset + index]! + Math.imul(row[index]!, weight)) | 0;
  }
}

/** Weights are normalised in double precision and only then rounded to fixed point, half away from zero. */
function taps(inputSize: number, outputSize: number): Taps {
  const scale = inputSize / outputSize;
  const filterScale = Math.max(scale, 1);
  const support = SUPPORT * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(outputSize);
  const counts = new Int32Array(outputSize);
  const weights = new Int32Array(outputSize * stride);
  const exact = new Float64Array(stride);
  const inverse = 1 / filterScale; // Pillow multiplies by the reciprocal; dividing would round differently
  for (let output = 0; output < outputSize; output++) {
    const center = (output + 0.5) * scale;
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const count = Math.min(Math.trunc(center + support + 0.5), inputSize) - start;
    let total = 0;
    for (let index = 0; index < count; index++) {
      exact[index] = cubic((index + start - center + 0.5) * inverse);
      total += exact[index]!;
    }
    for (let index = 0; index < count; index++) {
      const weight = (total === 0 ? exact[index]! : exact[index]! / total) * ONE;
      weights[output * stride + index] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    starts[output] = start;
    counts[output] = count;
  }
  return { starts, counts, weights, stride };
}

/** Cubic convolution kernel with a = −0.5, in Pillow's order of operations. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

function assertTargetSize(width: number, height: number): void {
  if (Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0) return;
  throw new FusionError({
    code: "OPTION_INVALID",
    at: "resizeBicubic",
    expected: "a positive whole width and height",
    actual: `${width}×${height}`,
    hint: "Pass the target size in pixels.",
  });
}
