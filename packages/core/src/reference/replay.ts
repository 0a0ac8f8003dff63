import type { Fetches } from "../backends/index.ts";
import { type FusionConfig, interactionPoints, type SequenceLayout } from "../fusion/index.ts";
import { KeyValueCache } from "../session/index.ts";
import { int64, type Tensor } from "../tensor/index.ts";
import { type Comparison, compare, compareExactly, firstSample, type Numbers, numbers, takeRows } from "./compare.ts";
import type { GenerationPrograms } from "./generation-programs.ts";
import { imageFeeds } from "./recorded-images.ts";
import { unknownTensor } from "./recorded-tensors.ts";
import { latentRowsOf, type RecordedText, readRecordedText, recordedLayout } from "./recorded-text.ts";
import { referenceError } from "./reference-error.ts";
import { integers, pick, type Tensors } from "./reference-folder.ts";
import type { VerifyContext } from "./verify-forward.ts";

const lastHidden = (layer: number): string => `prefill_last_hidden${layer}`;

/** Names of a case's tensors, without its prefix; `labels` may be absent, all others must be there. */
function recordedNames({ language }: FusionConfig): string[] {
  const hidden = Array.from({ length: language.layers + 1 }, (_, layer) => lastHidden(layer));
  const results = ["instruct_positions", "vision_positions", "step_logits", "prefill_latent_rows_after_last_layer"];
  return ["input_ids", "labels", "instructs", ...results, ...hidden];
}

interface ReplayOptions {
  readonly context: VerifyContext;
  readonly config: FusionConfig;
  /** Q */
  readonly latents: number;
  /** `sample`: whose image it was, counted in the recorded batch. */
  readonly decoding: { readonly sample: number; readonly tokens: readonly number[] };
  /** Of the case, for the rows' names and for messages. */
  readonly name: string;
  readonly recorded: Tensors;
}

/** One recorded greedy decoding, run again with the recorded tokens. */
export class Replay {
  readonly #text: RecordedText;
  readonly #layout: SequenceLayout;

  /** Throws REFERENCE_INVALID for missing or unknown tensors, a sample or token that does not exist. */
  constructor(private readonly given: ReplayOptions) {
    const { context, config, latents, name, recorded } = given;
    const { sample, tokens } = given.decoding;
    const known = recordedNames(config);
    for (const tensor of known) if (tensor !== "labels") pick(recorded, tensor, name);
    for (const tensor of recorded.keys()) if (!known.includes(tensor)) throw unknownTensor(`${name}.${tensor}`);
    const samples = context.images.index.length;
    if (sample >= samples) throw referenceError(`${name}: sample`, `0 to ${samples - 1}`, String(sample));
    const vocabulary = config.language.vocabularySize;
    const wrong = tokens.find((token) => token >= vocabulary);
    if (wrong !== undefined) throw referenceError(`${name}: tokens`, `0 to ${vocabulary - 1}`, String(wrong));
    this.#text = readRecordedText(recorded, name, config, 1);
    this.#layout = recordedLayout(this.#text, config, latents);
  }

  async run(programs: GenerationPrograms): Promise<Comparison[]> {
    const { context, config, decoding } = this.given;
    const capacity = this.#layout.length + decoding.tokens.length;
    const cache = await KeyValueCache.allocate(context.backend, config.language, capacity);
    try {
      const prefill = await this.#prefill(programs, cache);
      return this.#compare(prefill, await this.#decode(programs, prefill, cache));
    } finally {
      await cache.dispose();
    }
  }

  async #prefill(programs: GenerationPrograms, cache: KeyValueCache): Promise<Fetches> {
    const { context, config, decoding } = this.given;
    const { instructions, instructionMask } = this.#text;
    const image = context.images.index[decoding.sample]!;
    const { pixel_values, sub_images } = imageFeeds(context.images, [image], config);
    const instruction = { instruction_ids: instructions, instruction_mask: instructionMask };
    const { image_tokens } = await programs.run("image", { pixel_values, ...instruction });
    const { context: map } = await programs.run("context", { sub_images });
    const { latents, windows } = await programs.run("latents", { context: map! });
    const visual = { image_tokens: image_tokens!, latents: latents!, windows: windows! };
    const { feeds, length } = this.#layout;
    const sequence = { ...feeds, logit_rows: int64([1], [length - 1]) };
    const fetches = await programs.run("prefill", { ...sequence, ...visual }, { write: cache.writes() });
    cache.advance(length);
    return fetches;
  }

  /** Logits of every step, [steps, V]. Feeds the recorded tokens, so that one wrong token does not hide how close later steps are. */
  async #decode(programs: GenerationPrograms, prefill: Fetches, cache: KeyValueCache): Promise<Numbers> {
    const { tokens } = this.given.decoding;
    const data: number[] = Array.from(prefill.logits!.data as Float32Array);
    const vocabulary = data.length;
    for (const token of tokens.slice(0, -1)) {
      const step = { input_ids: int64([1, 1], [token]), position_ids: int64([1, 1], [cache.length]) };
      const { logits } = await programs.run("decode", { ...step, ...cache.feeds() }, { write: cache.writes() });
      cache.advance(1);
      data.push(...(logits!.data as Float32Array));
    }
    return { shape: [tokens.length, vocabulary], data };
  }

  #compare(prefill: Fetches, logits: Numbers): Comparison[] {
    const { latents, config, decoding } = this.given;
    const { samples, length } = this.#layout;
    const latentRows = latentRowsOf(samples[0]!, latents);
    const rows = [
      this.#close("step_logits", logits),
      this.#exact("tokens", decoding.tokens, argmaxRows(logits)),
      this.#exact("instruct_positions", this.#recorded("instruct_positions"), samples[0]!.questionEnds),
      this.#exact("vision_positions", this.#recorded("vision_positions"), latentRows),
    ];
    for (let layer = 0; layer <= config.language.layers; layer++) {
      const last = firstSample(this.#rowsOf(prefill[this.#enteringMark(layer)]!, [length - 1]));
      rows.push(this.#close(lastHidden(layer), last));
    }
    rows.push(
      this.#close("prefill_latent_rows_after_last_layer", this.#rowsOf(prefill["llm.final_norm"]!, latentRows)),
    );
    return rows;
  }

  /** The hidden state that enters layer i; after the last layer the final norm. */
  #enteringMark(layer: number): string {
    if (layer === 0) return "llm.inputs_embeds";
    if (layer === this.given.config.language.layers) return "llm.final_norm";
    return `llm.layer${layer - 1}.${interactionPoints(this.given.config).includes(layer - 1) ? "post" : "pre"}`;
  }

  /** Rows of a batch of one: [1, S, D] → [rows, D]. */
  #rowsOf(tensor: Tensor, chosen: readonly number[]): Numbers {
    const { shape, data } = takeRows(numbers(tensor), chosen, this.given.name);
    return { shape: shape.slice(1), data };
  }

  #recorded(name: string): number[] {
    return integers(pick(this.given.recorded, name, this.given.name));
  }

  #close(name: string, own: Numbers): Comparison {
    const { recorded, context } = this.given;
    const reference = numbers(pick(recorded, name, this.given.name));
    return compare(`${this.given.name}.${name}`, reference, own, context.tolerance);
  }

  #exact(name: string, reference: readonly number[], own: readonly number[]): Comparison {
    return compareExactly(`${this.given.name}.${name}`, reference, own);
  }
}

function argmaxRows({ shape, data }: Numbers): number[] {
  const [rows, columns] = shape as readonly [number, number];
  return Array.from({ length: rows }, (_, row) => {
    let best = 0;
    for (let i = 1; i < columns; i++) if (data[row * columns + i]! > data[row * columns + best]!) best = i;
    return best;
  });
}
