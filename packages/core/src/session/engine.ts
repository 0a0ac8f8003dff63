import type { Backend, CompileOptions, Fetches, Program } from "../backends/index.ts";
import {
  contextGraph,
  decodeGraph,
  extendGraph,
  type FusionConfig,
  hasImageBase,
  imageBaseGraph,
  imageGraph,
  imageGuidedGraph,
  latentsGraph,
  prefillGraph,
  type SequenceLayout,
  verifyGraph,
} from "../fusion/index.ts";
import type { Graph } from "../graph/index.ts";
import { formatsOf, quantizeGraph } from "../quantize/index.ts";
import { float32, int64, type Tensor } from "../tensor/index.ts";
import type { WeightStore } from "../weights/index.ts";
import { compileGraph } from "./compile.ts";
import type { KeyValueCache } from "./kv-cache.ts";

/** Up to this size repacking takes a fraction of a second. */
const smallModelBytes = 256e6;

/** The graphs with parameters, and the way of running that says in which format their matrices are. */
const graphs = {
  image: { build: imageGraph, part: "vision" },
  imageBase: { build: imageBaseGraph, part: "vision" },
  imageGuided: { build: imageGuidedGraph, part: "vision" },
  context: { build: contextGraph, part: "vision" },
  prefill: { build: prefillGraph, part: "prefill" },
  extend: { build: extendGraph, part: "prefill" },
  decode: { build: decodeGraph, part: "decode" },
  verify: { build: verifyGraph, part: "decode" },
} as const;

/** Latent tokens [1, Q, D] and their windows [1, Q, w², D]: what the four sub-images give. */
export interface ImageContext {
  readonly latents: Tensor;
  readonly windows: Tensor;
}

/** An image as far as it is the same for every question: under `released` semantics that are its pixels. */
export interface ImageBase {
  readonly graph: "image" | "imageGuided";
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/** The graphs of one model on one backend, compiled when first needed. */
export class FusionEngine {
  readonly #programs = new Map<string, Promise<Program>>();

  /**
   * @param compilation - `prepack` costs a copy of the weights per graph and seconds of loading per gigabyte, and makes
   *   vision and prefill a tenth faster; the default repacks small models only (docs/performance.md)
   */
  constructor(
    readonly backend: Backend,
    readonly config: FusionConfig,
    readonly weights: WeightStore,
    readonly compilation: CompileOptions = { prepack: weights.totalBytes <= smallModelBytes },
  ) {}

  /** Compiles what a question about a picture needs, so that the first one does not wait for it. */
  async warmUp(latents: number): Promise<void> {
    const image = hasImageBase(this.config) ? (["imageBase", "imageGuided"] as const) : (["image"] as const);
    for (const name of [...image, "context"] as const) await this.#program(name);
    await this.#latents(latents);
    for (const name of ["prefill", "decode"] as const) await this.#program(name);
  }

  /** What text-guided encoding makes of the whole image [1, 3, c, c] before it looks at the text. */
  async encodeImageBase(pixels: Tensor): Promise<ImageBase> {
    if (!hasImageBase(this.config)) return { graph: "image", feeds: { pixel_values: pixels } };
    const program = await this.#program("imageBase");
    return { graph: "imageGuided", feeds: await program.run({ pixel_values: pixels }) };
  }

  /** Text-guided encoding of an image with an instruction; image tokens [1, Pᵢ, D]. */
  async encodeImage({ graph, feeds }: ImageBase, instruction: readonly number[]): Promise<Tensor> {
    const program = await this.#program(graph);
    const { image_tokens } = await program.run({
      ...feeds,
      instruction_ids: int64([1, instruction.length], instruction),
      instruction_mask: this.#instructionMask(instruction),
    });
    return image_tokens!;
  }

  /** Latent tokens and windows of the four sub-images [4, 3, c, c]; no text takes part. */
  async encodeContext(subImages: Tensor, latents: number): Promise<ImageContext> {
    const { imageSize: side } = this.config.vision;
    const context = await this.#program("context");
    const pool = await this.#latents(latents);
    const encoded = await context.run({ sub_images: { ...subImages, shape: [1, 4, 3, side, side] } });
    const pooled = await pool.run({ context: encoded.context! });
    return { latents: pooled.latents!, windows: pooled.windows! };
  }

  /** Runs a first turn into an empty cache; logits [V] of its last row. */
  async prefill(
    layout: SequenceLayout,
    imageTokens: Tensor,
    context: ImageContext,
    cache: KeyValueCache,
  ): Promise<Float32Array> {
    const program = await this.#program("prefill");
    return this.#append(
      program,
      layout.length,
      { ...sequenceFeeds(layout), image_tokens: imageTokens, ...context },
      cache,
    );
  }

  /** Runs a later turn on top of the cache; logits [V] of its last row. */
  async extend(layout: SequenceLayout, context: ImageContext, cache: KeyValueCache): Promise<Float32Array> {
    const program = await this.#program("extend");
    const feeds = { ...sequenceFeeds(layout), ...context };
    return this.#append(program, layout.length, feeds, cache, true);
  }

  /** Appends one token; logits [V]. */
  async decode(token: number, cache: KeyValueCache): Promise<Float32Array> {
    const program = await this.#program("decode");
    const feeds = { input_ids: int64([1, 1], [token]), position_ids: int64([1, 1], [cache.length]) };
    return this.#append(program, 1, feeds, cache, true);
  }

  /**
   * Runs several tokens on top of the cache and counts the first one alone: the rows of the others are there for whoever
   * advances the cache over them.
   *
   * @returns logits [V] behind each token
   */
  async verify(tokens: readonly number[], cache: KeyValueCache): Promise<Float32Array[]> {
    const program = await this.#program("verify");
    await cache.reserve(tokens.length);
    const positions = tokens.map((_, index) => cache.length + index);
    const feeds = {
      input_ids: int64([1, tokens.length], tokens),
      position_ids: int64([1, tokens.length], positions),
      ...cache.feeds(),
    };
    const { logits } = await program.run(feeds, { write: cache.writes() });
    cache.advance(1);
    const width = logits!.shape[1]!;
    return tokens.map((_, row) => (logits!.data as Float32Array).subarray(row * width, (row + 1) * width));
  }

  /** True where running several tokens at once gives each the numbers that it gets alone. */
  get canVerify(): boolean {
    // Activations in 8 bits have one scale for all rows of a call.
    const { decode, output } = this.config.quantization ?? {};
    return decode?.bits !== 8 && output?.bits !== 8;
  }

  async dispose(): Promise<void> {
    const programs = await Promise.allSettled(this.#programs.values()); // a failed one has told its caller
    this.#programs.clear();
    for (const program of programs) if (program.status === "fulfilled") await program.value.dispose();
  }

  async #append(
    program: Program,
    rows: number,
    feeds: Record<string, Tensor>,
    cache: KeyValueCache,
    readsCache = false,
  ): Promise<Float32Array> {
    await cache.reserve(rows);
    const past = readsCache ? cache.feeds() : {};
    const fetches: Fetches = await program.run({ ...feeds, ...past }, { write: cache.writes() });
    cache.advance(rows);
    return fetches.logits!.data as Float32Array;
  }

  #latents(latents: number): Promise<Program> {
    return this.#compiled(`latents${latents}`, () => latentsGraph(this.config, latents));
  }

  #program(name: keyof typeof graphs): Promise<Program> {
    const { build, part } = graphs[name];
    return this.#compiled(name, () => {
      const { quantization } = this.config;
      const graph = build(this.config);
      return quantization ? quantizeGraph(graph, formatsOf(this.config, quantization, part)) : graph;
    });
  }

  #compiled(name: string, build: () => Graph): Promise<Program> {
    const known = this.#programs.get(name);
    if (known) return known;
    const program = compileGraph(this.backend, build(), this.weights, this.compilation);
    this.#programs.set(name, program);
    program.catch(() => this.#programs.delete(name));
    return program;
  }

  /** `released` takes id 0 for padding wherever it occurs, `paper` counts every id (FUSION.md 1). */
  #instructionMask(instruction: readonly number[]): Tensor {
    const isPadding = this.config.semantics === "released" ? (id: number) => id === 0 : () => false;
    return float32(
      [1, instruction.length],
      Float32Array.from(instruction, (id) => (isPadding(id) ? 0 : 1)),
    );
  }
}

function sequenceFeeds(layout: SequenceLayout): Record<string, Tensor> {
  return { ...layout.feeds, logit_rows: int64([1], [layout.length - 1]) };
}
