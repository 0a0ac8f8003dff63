import { throwIfAborted } from "../errors/index.ts";
import type { FusionConfig, Quantization, WeightFormat } from "../fusion/index.ts";
import { toFloat32 } from "../tensor/index.ts";
import type { TensorData, TensorLayout, WeightSource, WeightStore } from "../weights/index-node.ts";
import type { MatrixRows } from "./matrix-rows.ts";
import { Int4Quantizer } from "./quantize-int4.ts";
import { Int8Quantizer } from "./quantize-int8.ts";
import { matrixFormats, quantizedParameters } from "./quantized-parameters.ts";
import { storedTensors } from "./stored-tensors.ts";

/** Elements that are read and converted at a time: 16 MiB of float32. */
const elementsAtATime = 4 * 2 ** 20;

export interface QuantizingOptions {
  /** Called with the bytes of the original weights that are done. */
  readonly onRead?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * The quantised form of weights, made tensor by tensor as it is asked for, in the order of `layout`.
 *
 * At most one matrix in all its formats is held, and 16 MiB of it as float32.
 */
export function quantizedWeights(
  weights: WeightStore,
  config: FusionConfig,
  quantization: Quantization,
  options: QuantizingOptions = {},
): WeightSource {
  const matrices = matrixFormats(config, quantization);
  const kept = quantizedParameters(config, quantization);
  const makers = new Map<
    string,
    { readonly parameter: string; readonly from: "weight" | "scale"; readonly format: WeightFormat }
  >();
  const layout: TensorLayout[] = [];
  for (const [name, { dtype, shape }] of weights.entries) {
    if (kept.has(name)) layout.push({ name, dtype, shape });
    const matrix = matrices.get(name);
    for (const format of matrix?.formats ?? []) {
      const stored = storedTensors(name, matrix!.shape, format);
      for (const from of ["weight", "scale"] as const) {
        makers.set(stored[from].name, { parameter: name, from, format });
        layout.push(stored[from]);
      }
    }
  }
  let made: { readonly parameter: string; readonly forms: ReadonlyMap<WeightFormat, Forms> } | undefined;
  return {
    layout,
    metadata: { format: "pt" },
    data: async (name): Promise<TensorData> => {
      const maker = makers.get(name);
      if (!maker) {
        made = undefined;
        return pieces(weights, name, options);
      }
      if (made?.parameter !== maker.parameter) {
        made = undefined; // the last matrix goes before the next one comes
        const { shape, formats } = matrices.get(maker.parameter)!;
        made = {
          parameter: maker.parameter,
          forms: await quantizeMatrix(weights, maker.parameter, shape, formats, options),
        };
      }
      const forms = made.forms.get(maker.format)!;
      return maker.from === "weight" ? forms.data : forms.scale;
    },
  };
}

interface Forms {
  readonly data: Int8Array | Uint8Array;
  readonly scale: Float32Array;
}

async function quantizeMatrix(
  weights: WeightStore,
  name: string,
  [rows, columns]: readonly [number, number],
  formats: readonly WeightFormat[],
  { onRead, signal }: QuantizingOptions,
): Promise<Map<WeightFormat, Forms>> {
  const quantizers = new Map(
    formats.map((format) => [
      format,
      format.bits === 8 ? new Int8Quantizer(rows, columns) : new Int4Quantizer(rows, columns, format.block),
    ]),
  );
  const rowsAtATime = Math.max(1, Math.floor(elementsAtATime / columns));
  const bytesOfRow = weights.entries.get(name)!.length / rows;
  for (let first = 0; first < rows; first += rowsAtATime) {
    throwIfAborted(signal, "quantising");
    const count = Math.min(rowsAtATime, rows - first);
    const data = toFloat32(await weights.readElements(name, first * columns, count * columns));
    const block: MatrixRows = { first, count, data };
    for (const quantizer of quantizers.values()) quantizer.add(block);
    onRead?.(count * bytesOfRow);
  }
  return new Map([...quantizers].map(([format, quantizer]) => [format, quantizer.finish()]));
}

/** A tensor that stays as it is. */
async function* pieces(weights: WeightStore, name: string, { onRead, signal }: QuantizingOptions) {
  const { shape } = weights.entries.get(name)!;
  const size = shape.reduce((product, dim) => product * dim, 1);
  for (let first = 0; first < size; first += elementsAtATime) {
    throwIfAborted(signal, "quantising");
    const { data } = await weights.readElements(name, first, Math.min(elementsAtATime, size - first));
    onRead?.(data.byteLength);
    yield data;
  }
}
