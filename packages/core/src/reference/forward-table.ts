import type { Fetches } from "../backends/index.ts";
import type { FusionConfig, SequenceLayout } from "../fusion/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { type Comparison, compare, compareExactly, firstSample, type Numbers, numbers, takeRows } from "./compare.ts";
import { type ExactTensor, isExact, isRowList, markOf } from "./recorded-tensors.ts";
import { latentRowsOf, type RecordedText } from "./recorded-text.ts";
import { integers, pick, type ReferenceVariant, type Tensors } from "./reference-folder.ts";

const losses = { total: "loss", ce: "loss_answer", cos_instruct: "loss_v2t", cos_vision: "loss_t2v" } as const;

interface ForwardTableOptions {
  /** Name of the variant, which is how the rows' names begin. */
  readonly name: string;
  readonly variant: ReferenceVariant;
  readonly config: FusionConfig;
  readonly tolerance: number;
  /** Tensors of the variant's file, each with a name that `requireKnownTensors` accepts. */
  readonly expected: Tensors;
  readonly text: RecordedText;
  readonly layout: SequenceLayout;
  /** Outputs and marks of the loss graph. */
  readonly actual: Fetches;
}

/** Pairs each recorded tensor of a forward pass with the same thing of ours. */
export class ForwardTable {
  constructor(private readonly given: ForwardTableOptions) {}

  /** Throws REFERENCE_INVALID when a shape or a row list does not fit the model. */
  rows(): Comparison[] {
    const { variant, expected, layout } = this.given;
    const rows: Comparison[] = [];
    for (const [name, recorded] of expected) {
      if (isExact(name)) rows.push(this.#exact(name, integers(recorded), this.#ownIntegers(name, recorded)));
      else if (!isRowList(name)) rows.push(this.#close(name, numbers(recorded)));
    }
    for (const [key, output] of Object.entries(losses)) {
      const value = { shape: [], data: [variant.losses[key as keyof typeof losses]] };
      rows.push(this.#row(`losses.${key}`, value, numbers(this.given.actual[output]!)));
    }
    rows.push(this.#exact("S", [variant.S], [layout.length]));
    return rows;
  }

  #ownIntegers(name: ExactTensor, recorded: Tensor): ArrayLike<number> {
    switch (name) {
      case "vision.instruct_mask":
        return this.given.text.instructionMask.data;
      case "llm.instruct_positions":
        return this.#positions(recorded, ({ questionEnds }) => questionEnds);
      case "llm.vision_positions":
        return this.#positions(recorded, (sample) => latentRowsOf(sample, this.given.variant.query_len));
      case "llm.labels":
        return this.#labels();
      case "llm.attention_mask":
        return this.#attentionMask();
    }
  }

  #close(name: string, reference: Numbers): Comparison {
    const own = numbers(this.given.actual[markOf(name, this.given.config)!]!);
    const tower = /^vision\.(text|global)\.(h\d+|connector|mm)$/.exec(name);
    if (tower) return this.#chosenRows(name, reference, own, `vision.${tower[1]}.rows`);
    if (name.includes(".sampler.")) return this.#sampler(name, reference, own);
    switch (name) {
      case "vision.vision_embeddings":
      case "vision.vision_features":
        return this.#row(name, reference, takeRows(own, this.#patchRows(), this.#at(name)));
      case "global.features":
        return this.#chosenRows(name, reference, own, "global.rows");
      case "global.pooled": {
        const isPart = this.given.expected.has("global.pooled_rows");
        return isPart ? this.#chosenRows(name, reference, own, "global.pooled_rows") : this.#row(name, reference, own);
      }
      case "vision.text.last_full_sample0":
      case "llm.inputs_embeds_sample0":
        return this.#row(name, reference, firstSample(own));
      case "sampler0.windows_in":
        return this.#row(name, reference, this.#windows(own));
    }
    return name.startsWith("llm.") ? this.#decoderRows(name, reference, own) : this.#row(name, reference, own);
  }

  /** The numbers of a row list. */
  #list(name: string): number[] {
    return integers(pick(this.given.expected, name, this.given.name, { shape: ["R"] }));
  }

  #chosenRows(name: string, reference: Numbers, own: Numbers, list: string): Comparison {
    return this.#row(name, reference, takeRows(own, this.#list(list), this.#at(name)));
  }

  #patchRows(): number[] {
    return this.#list("vision.text.rows").filter((row) => row < this.given.config.vision.grid ** 2);
  }

  /** Rows past a sample's end are padding: recorded, but nobody's result. */
  #decoderRows(name: string, reference: Numbers, own: Numbers): Comparison {
    const { layout, expected } = this.given;
    const batch = layout.samples.length;
    const list = this.#list("llm.rows");
    const valid = integers(pick(expected, "llm.rows_valid", this.given.name, { shape: [batch, list.length] }));
    const width = own.shape.at(-1)!;
    const batched = { shape: [batch, layout.length, width], data: own.data }; // logits come as [B·S, V]
    const chosen = takeRows(batched, list, this.#at(name));
    return this.#row(name, reference, chosen, (i) => valid[Math.floor(i / width)] === 1);
  }

  /**
   * What enters and leaves an interaction layer, [B, R·Q, D] or every k-th row of it; queries [B, R, D].
   *
   * The reference computes padded questions from zeros and never writes them back: they do not count.
   */
  #sampler(name: string, reference: Numbers, own: Numbers): Comparison {
    const { samples } = this.given.layout;
    const [batch, questions] = own.shape as readonly [number, number];
    const width = own.shape.at(-1)!;
    const latents = own.shape.length === 4 ? own.shape[2]! : 1;
    const recorded = reference.shape[1] ?? 0;
    const step = Math.max(1, Math.round((questions * latents) / recorded));
    const kept = Array.from({ length: recorded }, (_, i) => i * step);
    const flat = { shape: [batch, questions * latents, width], data: own.data };
    return this.#row(name, reference, takeRows(flat, kept, this.#at(name)), (i) => {
      const row = Math.floor(i / width);
      const question = Math.floor(kept[row % recorded]! / latents);
      return question < samples[Math.floor(row / recorded)]!.questionEnds.length;
    });
  }

  /** [R·Q, w², D] of sample 0: every question has the same windows. */
  #windows(own: Numbers): Numbers {
    const { shape, data } = firstSample(own);
    const questions = this.given.layout.samples[0]!.questionEnds.length;
    const repeated = Array.from({ length: questions }, () => Array.from(data)).flat();
    return { shape: [questions * shape[0]!, ...shape.slice(1)], data: repeated };
  }

  #labels(): number[] {
    const { samples, length, answers } = this.given.layout;
    const labels = new Array<number>(samples.length * length).fill(-100);
    answers.rows.forEach((row, i) => {
      labels[row + 1] = answers.ids[i]!;
    });
    return labels;
  }

  #attentionMask(): number[] {
    const { samples, length } = this.given.layout;
    return samples.flatMap((sample) => Array.from({ length }, (_, row) => (row < sample.length ? 1 : 0)));
  }

  /** Positions of every sample, padded with −1 to the recorded width. */
  #positions(recorded: Tensor, of: (sample: SequenceLayout["samples"][number]) => readonly number[]): number[] {
    const own = this.given.layout.samples.map(of);
    const width = Math.max(recorded.shape[1] ?? 0, ...own.map((positions) => positions.length));
    return own.flatMap((positions) => Array.from({ length: width }, (_, i) => positions[i] ?? -1));
  }

  #at(name: string): string {
    return `${this.given.name}/${name}`;
  }

  #row(name: string, reference: Numbers, actual: Numbers, keep?: (index: number) => boolean): Comparison {
    return compare(this.#at(name), reference, actual, this.given.tolerance, keep);
  }

  #exact(name: string, reference: ArrayLike<number>, actual: ArrayLike<number>): Comparison {
    return compareExactly(this.#at(name), reference, actual);
  }
}
