import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type NodeBackendOptions, nodeBackend } from "../backends/index-node.ts";
import { FusionError } from "../errors/index.ts";
import { defaultLatents, type FusionConfig, presetNames, type Semantics } from "../fusion/index.ts";
import { prepareImage } from "../image/index-node.ts";
import { chatTemplate, type FusionTokenizer, stopTokenIds } from "../text/index.ts";
import { loadTokenizer } from "../text/index-node.ts";
import { FusionEngine } from "./engine.ts";
import { FusionModel, type PictureReader } from "./fusion-model.ts";
import { initModel } from "./init-model-node.ts";
import { type ModelFolder, openModelFolder } from "./model-folder-node.ts";
import { optionError } from "./options.ts";
import { readJson } from "./read-json-node.ts";
import { VisionMemory } from "./vision-memory.ts";

export interface LoadOptions extends NodeBackendOptions {
  /** Q, a square number; the largest of the model's set that is at most 64 when absent. */
  readonly latents?: number;
  /** Pᵢ, a square number: image tokens are interpolated to this many (FUSION-L). All patches when absent. */
  readonly imageTokens?: number;
  /** Overrides the model's own `fusion_semantics`. */
  readonly semantics?: Semantics;
  /** Seed of a preset's random weights; 0 when absent. */
  readonly seed?: number;
}

/**
 * Loads a FUSION model: a folder in Hugging Face layout, or the name of a preset with random weights.
 *
 * Weights are read where they lie. A preset is written to a temporary folder, which `dispose` removes; its answers mean
 * nothing (`info.untrained`).
 *
 * @throws MODEL_NOT_FOUND, CONFIG_INVALID, WEIGHTS_INVALID, WEIGHTS_MISMATCH, TOKENIZER_INVALID, OPTION_INVALID,
 *   BACKEND_UNAVAILABLE
 */
export async function loadFusion(source: string, options: LoadOptions = {}): Promise<FusionModel> {
  const started = performance.now();
  const place = await locate(source, options.seed);
  const undo = new Cleanup(place.remove);
  try {
    const model = undo.later(await openModelFolder(place.folder), ({ weights }) => weights.close());
    const config = configure(model.config, options);
    const latents = checkSquare("latents", options.latents) ?? defaultLatents(config);
    const tokenizer = await openTokenizer(model, config);
    const backend = undo.later(await nodeBackend(options), (engine) => engine.dispose());
    const engine = undo.later(new FusionEngine(backend, config, model.weights), (programs) => programs.dispose());
    const template = chatTemplate(config.template);
    const contextLength = Math.min(config.maxLength, config.language.maxPositions);
    const stopTokens = [...new Set([...stopTokenIds(tokenizer, template), ...(await generationStops(place.folder))])];
    await engine.warmUp(latents);
    return new FusionModel({
      info: {
        source: place.name,
        config,
        parameters: countParameters(model),
        bytes: model.weights.totalBytes,
        device: backend.device,
        deviceReason: backend.reason,
        latents,
        imageTokens: config.imageGrid ** 2,
        contextLength,
        untrained: place.untrained || (await isUntrained(place.folder)),
        loadTime: performance.now() - started,
      },
      context: { engine, vision: new VisionMemory(engine, latents), tokenizer, template, latents, contextLength, stopTokens },
      readPicture: pictureReader(config),
      release: () => undo.run(),
    });
  } catch (error) {
    await undo.run();
    throw error;
  }
}

interface Place {
  readonly folder: string;
  readonly name: string;
  readonly untrained: boolean;
  readonly remove: () => Promise<void>;
}

async function locate(source: string, seed: number | undefined): Promise<Place> {
  const isFolder = (await stat(source).catch(() => undefined)) !== undefined;
  if (isFolder || !presetNames.includes(source)) {
    if (!isFolder && !/[\\/.]/.test(source)) throw unknownModel(source);
    return { folder: source, name: source, untrained: false, remove: async () => {} };
  }
  const folder = await mkdtemp(join(tmpdir(), "fusion-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await initModel({ preset: source, folder, seed });
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, name: `preset ${source}`, untrained: true, remove };
}

function configure(config: FusionConfig, { imageTokens, semantics }: LoadOptions): FusionConfig {
  const tokens = checkSquare("imageTokens", imageTokens);
  if (semantics !== undefined && semantics !== "released" && semantics !== "paper") {
    throw optionError("semantics", "released or paper", semantics, "Leave it out to use the model's own.");
  }
  return {
    ...config,
    ...(tokens !== undefined && { imageGrid: Math.sqrt(tokens) }),
    ...(semantics && { semantics }),
  };
}

function checkSquare(name: string, value: number | undefined): number | undefined {
  if (value === undefined || (value >= 1 && Number.isInteger(Math.sqrt(value)))) return value;
  const root = Math.max(1, Math.round(Math.sqrt(Math.max(1, value))));
  throw optionError(name, "a square number such as 16, 64 or 144", value, `Use ${root * root}, the nearest square.`);
}

async function openTokenizer({ folder }: ModelFolder, config: FusionConfig): Promise<FusionTokenizer> {
  const tokenizer = await loadTokenizer(folder);
  const rows = config.language.vocabularySize;
  if (tokenizer.vocabSize <= rows) return tokenizer;
  throw new FusionError({
    code: "TOKENIZER_INVALID",
    at: join(folder, "tokenizer.json"),
    expected: `at most ${rows} tokens, the rows of the embedding table`,
    actual: `${tokenizer.vocabSize}`,
    hint: "Copy tokenizer and weights from the same checkpoint.",
  });
}

const generationSchema = z.object({
  eos_token_id: z.union([z.number().int().min(0), z.array(z.number().int().min(0))]).nullish(),
});

/** Further stop tokens that generation_config.json names. */
async function generationStops(folder: string): Promise<readonly number[]> {
  const path = join(folder, "generation_config.json");
  const json = await readJson(path, { optional: true });
  const result = generationSchema.safeParse(json ?? {});
  if (!result.success) {
    const hint = "Correct the file or remove it.";
    const actual = JSON.stringify((json as Record<string, unknown>)?.eos_token_id ?? json);
    throw new FusionError({ code: "CONFIG_INVALID", at: path, expected: "eos_token_id: a token id or a list", actual, hint });
  }
  return [result.data.eos_token_id ?? []].flat();
}

/** `fusion_initialised` is what `initModel` writes; training takes it away. */
async function isUntrained(folder: string): Promise<boolean> {
  const json = (await readJson(join(folder, "config.json"))) as { fusion_initialised?: { trained?: boolean } };
  return json.fusion_initialised?.trained === false;
}

function countParameters({ weights }: ModelFolder): number {
  let count = 0;
  for (const { shape } of weights.entries.values()) count += shape.reduce((size, dim) => size * dim, 1);
  return count;
}

function pictureReader({ vision }: FusionConfig): PictureReader {
  const options = { cropSize: vision.imageSize, mean: vision.mean, std: vision.std };
  return (source, { autoOrient }) => prepareImage(source, { ...options, autoOrient });
}

function unknownModel(source: string): FusionError {
  return new FusionError({
    code: "MODEL_NOT_FOUND",
    at: source,
    expected: `a model folder, or a preset: ${presetNames.join(", ")}`,
    actual: "neither a folder nor a preset of this name",
    hint: "Give the path of a model folder, or make one: fusion model init nano --out nano",
  });
}

/** Runs what has to be undone, last first. */
class Cleanup {
  readonly #steps: (() => Promise<void>)[];

  constructor(first: () => Promise<void>) {
    this.#steps = [first];
  }

  later<T>(value: T, step: (value: T) => Promise<void>): T {
    this.#steps.push(() => step(value));
    return value;
  }

  async run(): Promise<void> {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) await step();
  }
}
