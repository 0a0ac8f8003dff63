import type { Backend, Fetches } from "../backends/index.ts";
import { type FusionConfig, layoutSequence, lossGraph, type SequenceLayout } from "../fusion/index.ts";
import { withOutputs } from "../graph/index.ts";
import { compileGraph } from "../session/compile.ts";
import { float32, int64, type Tensor } from "../tensor/index.ts";
import type { WeightStore } from "../weights/index.ts";
import { type Comparison, compare, firstSample, type Numbers, numbers, takeRows } from "./compare.ts";
import { recordedPixels, recordedSegments, rowOf } from "./reference-batch.ts";
import { pick, type ReferenceFolder, type ReferenceVariant, type Tensors } from "./reference-folder-node.ts";

export interface VerifyContext {
  readonly backend: Backend;
  readonly config: FusionConfig;
  readonly weights: WeightStore;
  readonly reference: ReferenceFolder;
  readonly tolerance: number;
}

/** The variant's own configuration: its semantics and maximum length. */
export function variantConfig(config: FusionConfig, variant: ReferenceVariant): FusionConfig {
  return { ...config, semantics: variant.semantics, maxLength: variant.tokenizer_model_max_length };
}

/** Runs the loss graph on the recorded batch and compares everything that the variant recorded. */
export async function verifyForward(context: VerifyContext, name: string, variant: ReferenceVariant): Promise<Comparison[]> {
  const expected = await context.reference.read(name);
  if (!expected) return [];
  const config = variantConfig(context.config, variant);
  const layout = recordedLayout(context.reference, config, variant.query_len);
  const actual = await runLossGraph(context, config, variant.query_len, layout);
  const table = new ForwardTable(name, context.tolerance, expected, actual, layout, config, variant);
  return table.rows();
}

function recordedLayout({ inputs, folder }: ReferenceFolder, config: FusionConfig, latents: number): SequenceLayout {
  const [ids, labels, mask] = ["input_ids", "labels", "attention_mask"].map((key) => pick(inputs, key, folder));
  const samples = Array.from({ length: ids!.shape[0]! }, (_, b) => {
    const segments = recordedSegments(rowOf(ids!, b, mask), rowOf(labels!, b, mask));
    return { segments, zeroLatents: !segments.some(({ kind }) => kind === "image") };
  });
  return layoutSequence(samples, { imageRows: config.imageGrid ** 2, latents, maxLength: config.maxLength });
}

async function runLossGraph(context: VerifyContext, config: FusionConfig, latents: number, layout: SequenceLayout): Promise<Fetches> {
  const { backend, weights, reference } = context;
  const full = lossGraph(config, latents);
  const graph = withOutputs(full, [...full.outputs.keys(), ...full.marks.keys()]);
  const program = await compileGraph(backend, graph, weights);
  const { instructs, images } = { instructs: pick(reference.inputs, "instructs", reference.folder), images: reference.images };
  const index = pick(reference.inputs, "image_index", reference.folder);
  const { whole, subImages } = recordedPixels(images, Array.from(index.data as BigInt64Array, Number));
  try {
    return await program.run({
      ...layout.feeds,
      pixel_values: whole,
      sub_images: subImages,
      instruction_ids: instructs,
      instruction_mask: instructionMask(instructs),
      ...everyRowAsAnswer(layout),
    });
  } finally {
    await program.dispose();
  }
}

/** Logits of every row, since the reference records them; only answer tokens weigh in the loss. */
function everyRowAsAnswer({ samples, length, answers }: SequenceLayout): Record<string, Tensor> {
  const count = samples.length * length;
  const ids = new Array<number>(count).fill(0);
  const weights = new Float32Array(count);
  answers.rows.forEach((row, i) => {
    ids[row] = answers.ids[i]!;
    weights[row] = 1;
  });
  const rows = Array.from({ length: count }, (_, row) => row);
  return {
    answer_rows: int64([count], rows),
    answer_ids: int64([count], ids),
    answer_weights: float32([count], weights),
  };
}

/** Recorded instructions are padded with id 0. */
export function instructionMask(instructions: Tensor): Tensor {
  return float32(instructions.shape, Array.from(instructions.data as BigInt64Array, (id) => (id === 0n ? 0 : 1)));
}

/** Pairs each recorded tensor with the same thing of ours. */
class ForwardTable {
  constructor(
    readonly variant: string,
    readonly tolerance: number,
    readonly expected: Tensors,
    readonly actual: Fetches,
    readonly layout: SequenceLayout,
    readonly config: FusionConfig,
    readonly recorded: ReferenceVariant,
  ) {}

  rows(): Comparison[] {
    const rows = [...this.expected.keys()].flatMap((name) => this.#compare(name) ?? []);
    const losses = { total: "loss", ce: "loss_answer", cos_instruct: "loss_v2t", cos_vision: "loss_t2v" } as const;
    for (const [key, output] of Object.entries(losses)) {
      const value = { shape: [], data: [this.recorded.losses[key as keyof typeof losses]] };
      rows.push(this.#row(`losses.${key}`, value, this.#own(output)));
    }
    rows.push(this.#exact("S", [this.recorded.S], [this.layout.length]));
    return rows;
  }

  #compare(name: string): Comparison | undefined {
    const reference = numbers(this.#recorded(name));
    const tower = /^vision\.(text|global)\.(h\d+|connector|mm)$/.exec(name);
    if (tower) return this.#row(name, reference, takeRows(this.#own(name), this.#indices(`vision.${tower[1]}.rows`)));
    const sampler = /^llm\.layer\d+\.sampler\.(queries|image_tokens|out)$/.exec(name);
    if (sampler) return this.#sampler(name, sampler[1] === "queries", reference);
    const decoderRows = /^llm\.(layer\d+\.(pre|post)|final_norm|logits|inputs_embeds_rows)$/.exec(name);
    if (decoderRows) return this.#decoderRows(name, reference);
    switch (name) {
      case "vision.text.last_full_sample0":
        return this.#row(name, reference, firstSample(this.#own(`vision.text.h${this.config.vision.layers}`)));
      case "vision.vision_embeddings":
      case "vision.vision_features":
        return this.#row(name, reference, takeRows(this.#own(name), this.#patchRows()));
      case "vision.instruct_embeddings":
      case "vision.instruct_states":
      case "global.latent_init":
        return this.#row(name, reference, this.#own(name));
      case "global.features":
        return this.#row(name, reference, takeRows(this.#own(name), this.#indices("global.rows")));
      case "global.pooled": {
        const own = this.#own(name);
        return this.#row(name, reference, this.expected.has("global.pooled_rows") ? takeRows(own, this.#indices("global.pooled_rows")) : own);
      }
      case "llm.inputs_embeds_sample0":
        return this.#row(name, reference, firstSample(this.#own("llm.inputs_embeds")));
      case "sampler0.windows_in":
        return this.#row(name, reference, this.#windows());
      case "llm.instruct_positions":
        return this.#exact(name, reference.data, this.#questionEnds(reference.shape[1]!));
      case "llm.vision_positions":
        return this.#exact(name, reference.data, this.#latentRows(reference.shape[1]!));
      case "llm.labels":
        return this.#exact(name, reference.data, this.#labels());
      case "llm.attention_mask":
        return this.#exact(name, reference.data, this.layout.samples.flatMap(({ length }) => this.#padded(new Array(length).fill(1), this.layout.length, 0)));
      case "vision.instruct_mask":
        return undefined; // an input of ours: it is what `instructionMask` makes of the recorded ids
      default:
        return undefined; // the row lists that the other tensors are read by
    }
  }

  #recorded(name: string): Tensor {
    return pick(this.expected, name, this.variant);
  }

  #own(name: string): Numbers {
    return numbers(this.actual[name] as Tensor);
  }

  #indices(name: string): number[] {
    return Array.from(this.#recorded(name).data as BigInt64Array, Number);
  }

  #patchRows(): number[] {
    return this.#indices("vision.text.rows").filter((row) => row < this.config.vision.grid ** 2);
  }

  /** Rows past a sample's end are padding: recorded, but nobody's result. */
  #decoderRows(name: string, reference: Numbers): Comparison {
    const mark = name === "llm.inputs_embeds_rows" ? "llm.inputs_embeds" : name;
    const valid = this.#recorded("llm.rows_valid").data;
    const width = reference.shape[2]!;
    const all = this.#own(mark);
    const batched = { shape: [this.layout.samples.length, this.layout.length, width], data: all.data };
    const own = takeRows(batched, this.#indices("llm.rows"));
    return this.#row(name, reference, own, (i) => Number(valid[Math.floor(i / width)]) === 1);
  }

  /** Recorded for every padded question too; those are computed from zeros and never written back. */
  #sampler(name: string, isQuery: boolean, reference: Numbers): Comparison {
    const own = this.#own(name);
    const [batch, questions] = own.shape as [number, number];
    const latents = isQuery ? 1 : own.shape[2]!;
    const width = own.shape.at(-1)!;
    const flat = { shape: [batch, questions * latents, width], data: own.data };
    const step = Math.round((questions * latents) / reference.shape[1]!);
    const kept = Array.from({ length: reference.shape[1]! }, (_, i) => i * step);
    return this.#row(name, reference, takeRows(flat, kept), (i) => {
      const row = Math.floor(i / width);
      const [b, question] = [Math.floor(row / kept.length), Math.floor(kept[row % kept.length]! / latents)];
      return question < this.layout.samples[b]!.questionEnds.length;
    });
  }

  /** [L·Q, w², D] of sample 0: every question has the same windows. */
  #windows(): Numbers {
    const own = firstSample(this.#own("global.windows"));
    const questions = this.layout.samples[0]!.questionEnds.length;
    const data = Array.from({ length: questions }, () => Array.from(own.data)).flat();
    return { shape: [questions * own.shape[0]!, ...own.shape.slice(1)], data };
  }

  #questionEnds(width: number): number[] {
    return this.layout.samples.flatMap(({ questionEnds }) => this.#padded(questionEnds, width, -1));
  }

  #latentRows(width: number): number[] {
    const latents = this.recorded.query_len;
    return this.layout.samples.flatMap(({ latentStarts }) =>
      this.#padded(latentStarts.flatMap((start) => Array.from({ length: latents }, (_, q) => start + q)), width, -1),
    );
  }

  #labels(): number[] {
    const labels = new Array<number>(this.layout.samples.length * this.layout.length).fill(-100);
    this.layout.answers.rows.forEach((row, i) => {
      labels[row + 1] = this.layout.answers.ids[i]!;
    });
    return labels;
  }

  #padded(values: readonly number[], width: number, fill: number): number[] {
    return Array.from({ length: width }, (_, i) => values[i] ?? fill);
  }

  #row(name: string, reference: Numbers, actual: Numbers, keep?: (index: number) => boolean): Comparison {
    return compare(`${this.variant}/${name}`, reference, actual, this.tolerance, keep);
  }

  #exact(name: string, reference: ArrayLike<number>, actual: readonly number[]): Comparison {
    const shape = [reference.length];
    return compare(`${this.variant}/${name}`, { shape, data: reference }, { shape, data: actual }, 0);
  }
}

