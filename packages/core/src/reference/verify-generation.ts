import type { Fetches, Program } from "../backends/index.ts";
import {
  contextGraph,
  decodeGraph,
  type FusionConfig,
  imageGraph,
  interactionPoints,
  latentsGraph,
  layoutSequence,
  prefillGraph,
  type SequenceLayout,
} from "../fusion/index.ts";
import { type Graph, withOutputs } from "../graph/index.ts";
import { compileGraph } from "../session/compile.ts";
import { KeyValueCache } from "../session/kv-cache.ts";
import { int64, type Tensor } from "../tensor/index.ts";
import { type Comparison, compare, numbers, takeRows } from "./compare.ts";
import { recordedPixels, recordedSegments, rowOf } from "./reference-batch.ts";
import { pick, type ReferenceVariant, type Tensors } from "./reference-folder-node.ts";
import { instructionMask, type VerifyContext, variantConfig } from "./verify-forward.ts";

/** Replays the recorded greedy decodings through the image, context, prefill and decode graphs. */
export async function verifyGeneration(context: VerifyContext, name: string, variant: ReferenceVariant): Promise<Comparison[]> {
  const recorded = await context.reference.read(`${name}_generate`);
  if (!recorded || !variant.generate) return [];
  const config = variantConfig(context.config, variant);
  const programs = await Programs.compile(context, config, variant.query_len);
  try {
    const rows: Comparison[] = [];
    for (const [key, { sample, tokens }] of Object.entries(variant.generate)) {
      const replay = new Replay(context, config, variant, programs, `${name}_generate/${key}`, (tensor) =>
        recorded.get(`${key}.${tensor}`),
      );
      rows.push(...(await replay.run(sample, tokens)));
    }
    return rows;
  } finally {
    await programs.dispose();
  }
}

class Programs {
  private constructor(readonly byName: ReadonlyMap<string, Program>) {}

  static async compile({ backend, weights }: VerifyContext, config: FusionConfig, latents: number): Promise<Programs> {
    const prefill = prefillGraph(config);
    const graphs: Record<string, Graph> = {
      image: imageGraph(config),
      context: contextGraph(config),
      latents: latentsGraph(config, latents),
      prefill: withOutputs(prefill, [...prefill.outputs.keys(), ...prefill.marks.keys()]),
      decode: decodeGraph(config),
    };
    const programs = new Map<string, Program>();
    for (const [name, graph] of Object.entries(graphs)) programs.set(name, await compileGraph(backend, graph, weights));
    return new Programs(programs);
  }

  run(name: string, ...args: Parameters<Program["run"]>): Promise<Fetches> {
    return this.byName.get(name)!.run(...args);
  }

  async dispose(): Promise<void> {
    for (const program of this.byName.values()) await program.dispose();
  }
}

/** Logits of every step, [steps, V]. */
interface Rows {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

class Replay {
  constructor(
    readonly context: VerifyContext,
    readonly config: FusionConfig,
    readonly variant: ReferenceVariant,
    readonly programs: Programs,
    readonly name: string,
    readonly recorded: (tensor: string) => Tensor | undefined,
  ) {}

  async run(sample: number, tokens: readonly number[]): Promise<Comparison[]> {
    const layout = this.#layout();
    const cache = await KeyValueCache.allocate(this.context.backend, this.config.language, layout.length + tokens.length);
    try {
      const prefill = await this.#prefill(sample, layout, cache);
      const logits = await this.#decode(prefill, tokens, cache);
      return this.#compare(layout, tokens, prefill, logits);
    } finally {
      await cache.dispose();
    }
  }

  #compare(layout: SequenceLayout, tokens: readonly number[], prefill: Fetches, logits: Rows): Comparison[] {
    const { tolerance } = this.context;
    const last = layout.length - 1;
    const rows = [
      compare(`${this.name}.step_logits`, numbers(this.#need("step_logits")), logits, tolerance),
      this.#exact("tokens", tokens, argmaxRows(logits)),
      this.#exact("instruct_positions", this.#numbers("instruct_positions"), layout.samples[0]!.questionEnds),
      this.#exact("vision_positions", this.#numbers("vision_positions"), this.#latentRows(layout)),
    ];
    const { layers } = this.config.language;
    for (let layer = 0; layer <= layers; layer++) {
      const own = takeRows(numbers(prefill[this.#enteringMark(layer)] as Tensor), [last]);
      const name = `prefill_last_hidden${layer}`;
      rows.push(compare(`${this.name}.${name}`, numbers(this.#need(name)), own, tolerance));
    }
    const latents = takeRows(numbers(prefill["llm.final_norm"] as Tensor), this.#latentRows(layout));
    const name = "prefill_latent_rows_after_last_layer";
    rows.push(compare(`${this.name}.${name}`, numbers(this.#need(name)), latents, tolerance));
    return rows;
  }

  #layout(): SequenceLayout {
    const labels = this.recorded("labels");
    const segments = recordedSegments(rowOf(this.#need("input_ids"), 0), labels && rowOf(labels, 0));
    const zeroLatents = !segments.some(({ kind }) => kind === "image");
    const options = { imageRows: this.config.imageGrid ** 2, latents: this.variant.query_len, maxLength: this.config.maxLength };
    return layoutSequence([{ segments, zeroLatents }], options);
  }

  async #prefill(sample: number, layout: SequenceLayout, cache: KeyValueCache): Promise<Fetches> {
    const { reference } = this.context;
    const index = pick(reference.inputs, "image_index", reference.folder);
    const { whole, subImages } = recordedPixels(reference.images, [Number(index.data[sample])]);
    const instructs = this.#need("instructs");
    const guided = { pixel_values: whole, instruction_ids: instructs, instruction_mask: instructionMask(instructs) };
    const { image_tokens } = await this.programs.run("image", guided);
    const { context } = await this.programs.run("context", { sub_images: subImages });
    const { latents, windows } = await this.programs.run("latents", { context: context! });
    const sequence = { ...layout.feeds, logit_rows: int64([1], [layout.length - 1]) };
    const visual = { image_tokens: image_tokens!, latents: latents!, windows: windows! };
    const fetches = await this.programs.run("prefill", { ...sequence, ...visual }, { write: cache.writes() });
    cache.advance(layout.length);
    return fetches;
  }

  /** Feeds the recorded tokens, so that one wrong token does not hide how close the following steps are. */
  async #decode(prefill: Fetches, tokens: readonly number[], cache: KeyValueCache): Promise<Rows> {
    const data: number[] = Array.from(prefill.logits!.data as Float32Array);
    const vocabulary = data.length;
    for (const token of tokens.slice(0, -1)) {
      const feeds = { input_ids: int64([1, 1], [token]), position_ids: int64([1, 1], [cache.length]), ...cache.feeds() };
      const { logits } = await this.programs.run("decode", feeds, { write: cache.writes() });
      cache.advance(1);
      data.push(...(logits!.data as Float32Array));
    }
    return { shape: [tokens.length, vocabulary], data };
  }

  /** The hidden state that enters layer i; after the last layer the final norm. */
  #enteringMark(layer: number): string {
    if (layer === 0) return "llm.inputs_embeds";
    if (layer === this.config.language.layers) return "llm.final_norm";
    return `llm.layer${layer - 1}.${interactionPoints(this.config).includes(layer - 1) ? "post" : "pre"}`;
  }

  #latentRows(layout: SequenceLayout): number[] {
    const starts = layout.samples[0]!.latentStarts;
    return starts.flatMap((start) => Array.from({ length: this.variant.query_len }, (_, q) => start + q));
  }

  #need(name: string): Tensor {
    const tensor = this.recorded(name);
    const tensors: Tensors = tensor ? new Map([[name, tensor]]) : new Map();
    return pick(tensors, name, this.name);
  }

  #numbers(name: string): number[] {
    return Array.from(this.#need(name).data as BigInt64Array, Number);
  }

  #exact(name: string, reference: readonly number[], actual: readonly number[]): Comparison {
    const shape = [reference.length];
    return compare(`${this.name}.${name}`, { shape, data: reference }, { shape: [actual.length], data: actual }, 0);
  }
}

function argmaxRows({ shape, data }: Rows): number[] {
  const [rows, columns] = shape as readonly [number, number];
  return Array.from({ length: rows }, (_, row) => {
    let best = 0;
    for (let i = 1; i < columns; i++) if (data[row * columns + i]! > data[row * columns + best]!) best = i;
    return best;
  });
}
