import type { Backend, Feeds, Fetches, Program } from "../backends/index.ts";
import { type Graph, withOutputs } from "../graph/index.ts";
import { createNormal, float32, int64, sizeOf, type Tensor } from "../tensor/index.ts";
import {
  compileInMemory,
  type Parameters,
  randomParameters,
  type TinyModelOptions,
  tinyConfig,
} from "../testing/index.ts";
import type { Segment } from "../text/index.ts";
import type { FusionConfig } from "./config.ts";

/** A tiny random model whose graphs are compiled when they are first run. */
export class TinyModel {
  readonly config: FusionConfig;
  readonly parameters: Parameters;
  readonly #programs = new Map<string, Program>();

  constructor(
    readonly backend: Backend,
    options: TinyModelOptions = {},
    parameters?: Parameters,
  ) {
    this.config = tinyConfig(options);
    this.parameters = parameters ?? randomParameters(this.config);
  }

  async program(graph: Graph): Promise<Program> {
    const key = `${graph.name} ${[...graph.outputs.keys()].join(" ")}`;
    const known = this.#programs.get(key);
    if (known) return known;
    const compiled = await compileInMemory(this.backend, graph, this.parameters);
    this.#programs.set(key, compiled);
    return compiled;
  }

  /** Runs a graph for its outputs, or for the outputs and marks that are named. */
  async run(graph: Graph, feeds: Feeds, names?: readonly string[]): Promise<Fetches> {
    return (await this.program(names ? withOutputs(graph, names) : graph)).run(feeds);
  }
}

/** Normally distributed numbers, the same for the same name. */
export function noise(name: string, shape: readonly number[]): Tensor<"float32"> {
  const next = createNormal(7, name);
  return float32(
    shape,
    Array.from({ length: sizeOf(shape) }, () => next()),
  );
}

/** Rows [start, end) along an axis. */
export function cut(tensor: Tensor, axis: number, start: number, end: number): Tensor<"float32"> {
  const [outer, length] = [sizeOf(tensor.shape.slice(0, axis)), tensor.shape[axis]!];
  const inner = sizeOf(tensor.shape.slice(axis + 1));
  const data = tensor.data as Float32Array;
  const parts = Array.from({ length: outer }, (_, i) =>
    Array.from(data.slice((i * length + start) * inner, (i * length + end) * inner)),
  );
  const shape = tensor.shape.map((size, i) => (i === axis ? end - start : size));
  return float32(shape, parts.flat());
}

/** Tensors joined along the first axis. */
export function stack(...tensors: Tensor[]): Tensor<"float32"> {
  const rows = tensors.reduce((sum, { shape }) => sum + shape[0]!, 0);
  return float32(
    [rows, ...tensors[0]!.shape.slice(1)],
    tensors.flatMap(({ data }) => Array.from(data as Float32Array)),
  );
}

export const text = (...ids: number[]): Segment => ({ kind: "text", ids, supervised: false, endsQuestion: false });
export const question = (...ids: number[]): Segment => ({ kind: "text", ids, supervised: false, endsQuestion: true });
export const answer = (...ids: number[]): Segment => ({ kind: "text", ids, supervised: true, endsQuestion: false });
export const image: Segment = { kind: "image" };
export const latent: Segment = { kind: "latent" };

export const pixelsOf = ({ config }: TinyModel, name = "pixels"): Tensor<"float32"> =>
  noise(name, [1, 3, config.vision.imageSize, config.vision.imageSize]);

/** Feeds of the image graph for one picture; `tokens` of 0 stand for padding. */
export function guided(model: TinyModel, tokens: number[], pixels = pixelsOf(model)) {
  return {
    pixel_values: pixels,
    instruction_ids: int64([1, tokens.length], tokens),
    instruction_mask: float32([1, tokens.length], tokens.map(Math.sign)),
  };
}
