import type { Backend, Program } from "../backends/index.ts";
import { type FusionConfig, layoutSequence, lossGraph, type ModelPart, modelPart } from "../fusion/index.ts";
import { cutName, type Graph, type GraphSegment, segments } from "../graph/index.ts";
import type { ImageTensors } from "../image/index.ts";
import { formatsOf, quantizeGraph } from "../quantize/index.ts";
import { float32, int64, type Tensor } from "../tensor/index.ts";
import { chatTemplate, type FusionTokenizer, planConversation } from "../text/index.ts";
import type { WeightStore } from "../weights/index.ts";
import { compileGraph } from "./compile.ts";

/** A picture, a question and an answer that both models are measured on. */
export interface MeasuredSample {
  readonly picture: ImageTensors;
  readonly question: string;
  readonly answer: string;
}

/** How far the quantised model is from its original after one step of the computation. */
export interface StateError {
  /** `vision.text.h3`: behind the third layer of the tower; `llm.layer0.pre`: behind the first decoder layer. */
  readonly state: string;
  /** ‖quantised − original‖ / ‖original‖, the errors of everything before included. */
  readonly error: number;
}

/** What quantising has changed on a sample, its answer fed in. */
export interface QuantizationError {
  /** Which formats the decoder ran in. */
  readonly decoder: "prefill" | "decode";
  readonly states: readonly StateError[];
  /** Tokens of the answer. */
  readonly tokens: number;
  /** Mean cross entropy of the answer, in nats. */
  readonly loss: { readonly original: number; readonly quantized: number };
  /** Kullback–Leibler divergence of the next token's distribution from the original's, mean over the answer, in nats. */
  readonly divergence: number;
  /** Share of the answer's tokens for which both models would choose the same one. */
  readonly agreement: number;
}

export interface MeasuredModel {
  readonly config: FusionConfig;
  readonly weights: WeightStore;
}

export interface MeasureOptions {
  readonly backend: Backend;
  readonly original: MeasuredModel;
  readonly quantized: MeasuredModel;
  readonly tokenizer: FusionTokenizer;
  readonly latents: number;
  readonly sample: MeasuredSample;
  readonly decoder: QuantizationError["decoder"];
  /** Called after each of `total` steps. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called before each step; throws to end it. */
  readonly check?: () => void;
}

/** States that are compared, and where the graph is cut: layers, and what joins the parts. */
const cuts =
  /^(vision\.(text|global)\.(h\d+|connector|mm)|global\.(latent_init|windows)|llm\.(inputs_embeds|layer\d+\.(pre|post)|final_norm|logits))$/;
/** What the sub-images give: independent of the text, and large while it is being made. */
const ofContext = /^(vision\.global|global)\./;

/**
 * Compares a quantised model with its original on a sample, layer by layer.
 *
 * One layer of one model is compiled at a time, so the memory it takes is that of a layer, whatever the size of the model.
 */
export async function measureQuantization(options: MeasureOptions): Promise<QuantizationError> {
  const { original, quantized, decoder, latents } = options;
  const graph = lossGraph(original.config, latents);
  const targets = [...graph.marks.keys()].filter((name) => cuts.test(name));
  const parts = segments(graph, targets);
  const context = parts.filter(({ target }) => ofContext.test(target));
  const rest = parts.filter(({ target }) => !ofContext.test(target));
  const { feeds, ids } = feedsOf(options);
  let done = 0;
  const total = 2 * parts.length;
  const walk = (model: MeasuredModel, stretch: readonly GraphSegment[], before: Values = new Map()) =>
    new Walk(options.backend, model, decoder, stretch, feeds, before, () => {
      options.check?.();
      options.onProgress?.(++done, total);
    });

  // The states of the sub-images take hundreds of megabytes: of one model after the other.
  const [ours, theirs] = [await walk(original, context).toEnd(), await walk(quantized, context).toEnd()];
  const states = [...ours].map(([state, value]) => ({ state, error: relativeError(theirs.get(state)!, value) }));
  const [left, right] = [walk(original, rest, ours), walk(quantized, rest, theirs)];
  let logits: [Tensor, Tensor] | undefined;
  for (const { target } of rest) {
    const [a, b] = [await left.next(), await right.next()];
    states.push({ state: target, error: relativeError(b, a) });
    if (target === "llm.logits") logits = [a, b];
  }
  return { decoder, states, ...compareAnswers(logits!, ids) };
}

/** Interaction layers run with the first rows of a turn only. */
const wayOf: Readonly<Record<ModelPart, "vision" | "prefill" | "decoder">> = {
  "vision tower": "vision",
  projectors: "vision",
  embeddings: "decoder",
  "language model": "decoder",
  "interaction layers": "prefill",
};

type Values = ReadonlyMap<string, Tensor>;

/** The segments of one model, run in order; values that no later segment reads are dropped. */
class Walk {
  readonly #values = new Map<string, Tensor>();
  #index = 0;

  constructor(
    private readonly backend: Backend,
    private readonly model: MeasuredModel,
    private readonly decoder: QuantizationError["decoder"],
    private readonly stretch: readonly GraphSegment[],
    private readonly feeds: Readonly<Record<string, Tensor>>,
    before: Values,
    private readonly onStep: () => void,
  ) {
    for (const [name, value] of before) this.#values.set(cutName(name), value);
  }

  /** Runs all segments; the values at the end, by target. */
  async toEnd(): Promise<Map<string, Tensor>> {
    while (this.#index < this.stretch.length) await this.next();
    return new Map([...this.#values].map(([name, value]) => [name.slice(cutName("").length), value]));
  }

  async next(): Promise<Tensor> {
    const { graph, target } = this.stretch[this.#index++]!;
    const program = await compileGraph(this.backend, this.#stored(graph), this.model.weights, { prepack: false });
    try {
      const value = await this.#run(program, graph, target);
      this.#keep(target, value);
      this.onStep();
      return value;
    } finally {
      await program.dispose();
    }
  }

  async #run(program: Program, graph: Graph, target: string): Promise<Tensor> {
    const given = graph.inputs.map(({ name }) => [name, this.#values.get(name) ?? this.feeds[name]!] as const);
    return (await program.run(Object.fromEntries(given)))[target]!;
  }

  /** Layers of the tower are read again by the means over its halves; all else by the next segment alone. */
  #keep(target: string, value: Tensor): void {
    this.#values.set(cutName(target), value);
    const later = new Set(this.stretch.slice(this.#index).flatMap(({ graph }) => graph.inputs.map(({ name }) => name)));
    const isLast = this.#index === this.stretch.length;
    for (const name of this.#values.keys()) {
      const isResult = /^cut:(vision\.global\.connector|global\.(latent_init|windows))$/.test(name);
      if (!later.has(name) && !(isLast && name === cutName(target)) && !isResult) this.#values.delete(name);
    }
  }

  #stored(graph: Graph): Graph {
    const { config } = this.model;
    const { quantization } = config;
    if (!quantization) return graph;
    const formats = {
      vision: formatsOf(config, quantization, "vision"),
      prefill: formatsOf(config, quantization, "prefill"),
      decoder: formatsOf(config, quantization, this.decoder),
    };
    return quantizeGraph(graph, (name) => formats[wayOf[modelPart(name)]](name));
  }
}

function feedsOf({ original: { config }, tokenizer, latents, sample }: MeasureOptions) {
  const { semantics, imageGrid, vision } = config;
  const turns = [{ question: sample.question, answer: sample.answer }];
  const template = chatTemplate(config.template);
  const plan = planConversation({ tokenizer, template, turns, hasImage: true, semantics });
  const layout = layoutSequence([{ segments: plan.segments, zeroLatents: false }], {
    imageRows: imageGrid ** 2,
    latents,
    maxLength: config.maxLength,
  });
  const { rows, ids } = layout.answers;
  const [count, side] = [plan.instruction.length, vision.imageSize];
  const feeds: Record<string, Tensor> = {
    ...layout.feeds,
    pixel_values: sample.picture.wholeImage,
    sub_images: { ...sample.picture.subImages, shape: [1, 4, 3, side, side] },
    instruction_ids: int64([1, count], plan.instruction),
    instruction_mask: float32([1, count], new Float32Array(count).fill(1)),
    answer_rows: int64([rows.length], rows),
    answer_ids: int64([ids.length], ids),
    answer_weights: float32([ids.length], new Float32Array(ids.length).fill(1)),
  };
  return { feeds, ids };
}

function relativeError({ data }: Tensor, { data: exact }: Tensor): number {
  let [difference, size] = [0, 0];
  for (let i = 0; i < exact.length; i++) {
    difference += ((data[i] as number) - (exact[i] as number)) ** 2;
    size += (exact[i] as number) ** 2;
  }
  return size === 0 ? Math.sqrt(difference) : Math.sqrt(difference / size);
}

/** @param logits - [M, V] of the original and of the quantised model */
function compareAnswers([exact, given]: readonly [Tensor, Tensor], ids: readonly number[]) {
  const width = exact.shape[1]!;
  const sums = { original: 0, quantized: 0, divergence: 0, same: 0 };
  for (const [row, id] of ids.entries()) {
    const [p, q] = [exact, given].map(({ data }) =>
      logSoftmax((data as Float32Array).subarray(row * width, (row + 1) * width)),
    ) as [Float64Array, Float64Array];
    sums.original -= p[id]!;
    sums.quantized -= q[id]!;
    for (let token = 0; token < width; token++) sums.divergence += Math.exp(p[token]!) * (p[token]! - q[token]!);
    if (largest(p) === largest(q)) sums.same += 1;
  }
  const tokens = ids.length;
  return {
    tokens,
    loss: { original: sums.original / tokens, quantized: sums.quantized / tokens },
    divergence: sums.divergence / tokens,
    agreement: sums.same / tokens,
  };
}

function logSoftmax(scores: Float32Array): Float64Array {
  let most = Number.NEGATIVE_INFINITY;
  for (const score of scores) if (score > most) most = score;
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - most);
  const shift = most + Math.log(sum);
  return Float64Array.from(scores, (score) => score - shift);
}

function largest(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
