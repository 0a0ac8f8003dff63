import { join } from "node:path";
import { type NodeBackendOptions, nodeBackend } from "../backends/index-node.ts";
import { FusionError, throwIfAborted } from "../errors/index.ts";
import type { FusionConfig } from "../fusion/index.ts";
import { inlinePreparer, type PicturePreparer, picturePreparer } from "../image/index-node.ts";
import { sizeOf } from "../tensor/index.ts";
import { chatTemplate, type FusionTokenizer, requireControlTokens } from "../text/index.ts";
import { loadTokenizer } from "../text/index-node.ts";
import { Cleanup } from "./cleanup.ts";
import { FusionEngine } from "./engine.ts";
import { FusionModel, type PictureReader } from "./fusion-model.ts";
import { type OptionNames, requireKnownOptions } from "./known-options.ts";
import { type ModelSettings, settleModel } from "./load-settings.ts";
import { LookupGain } from "./lookup-decoder.ts";
import { type ModelFolder, openModelFolder } from "./model-folder-node.ts";
import { findModelFolder } from "./model-source-node.ts";
import { pictureSource } from "./picture-source-node.ts";
import { readStopTokens } from "./stop-tokens-node.ts";
import { VisionMemory } from "./vision-memory.ts";

export interface LoadOptions extends NodeBackendOptions, ModelSettings {
  /** Aborting stops the loading, not the model that it gave. */
  readonly signal?: AbortSignal;
}

const loadOptions: OptionNames<LoadOptions> = {
  device: true,
  threads: true,
  worker: true,
  latents: true,
  imageTokens: true,
  semantics: true,
  signal: true,
};

/**
 * Loads a FUSION model: a folder in Hugging Face layout, or `"nano"`, the small model of the package `@fusion-vlm/nano`.
 *
 * Weights are read where they lie. Answers of a model that nothing has trained mean nothing (`info.untrained`).
 *
 * @throws MODEL_NOT_FOUND, CONFIG_INVALID, WEIGHTS_INVALID, WEIGHTS_MISMATCH, TOKENIZER_INVALID, OPTION_INVALID,
 *   BACKEND_UNAVAILABLE, ABORTED
 */
export async function loadFusion(source: string, options: LoadOptions = {}): Promise<FusionModel> {
  const started = performance.now();
  requireKnownOptions("loadFusion", options, loadOptions);
  const { signal } = options;
  const undo = new Cleanup();
  try {
    const folder = await findModelFolder(source);
    const model = undo.later(await openModelFolder(folder), ({ weights }) => weights.close());
    const { config, latents, contextLength } = settleModel(model.config, options);
    const tokenizer = await openTokenizer(model, config);
    const template = chatTemplate(config.template);
    requireControlTokens(tokenizer, template);
    const stopTokens = await readStopTokens(folder, tokenizer, template);
    throwIfAborted(signal, "loading");
    const backend = undo.later(await nodeBackend(options), (engine) => engine.dispose());
    const pictures = options.worker === false ? inlinePreparer() : picturePreparer();
    undo.later(pictures, (preparer) => preparer.dispose());
    const engine = undo.later(new FusionEngine(backend, config, model.weights), (programs) => programs.dispose());
    await engine.warmUp(latents);
    throwIfAborted(signal, "loading");
    const vision = new VisionMemory(engine, latents);
    return new FusionModel({
      info: {
        source,
        config,
        parameters: countParameters(model),
        bytes: model.weights.totalBytes,
        device: backend.device,
        deviceReason: backend.reason,
        latents,
        imageTokens: config.imageGrid ** 2,
        contextLength,
        untrained: model.untrained,
        loadTime: performance.now() - started,
      },
      context: {
        engine,
        vision,
        tokenizer,
        template,
        latents,
        contextLength,
        stopTokens,
        lookupGain: new LookupGain(),
      },
      readPicture: pictureReader(config, pictures),
      release: () => undo.run(),
    });
  } catch (error) {
    await undo.run().catch(() => undefined); // the first failure is the one to tell
    throw error;
  }
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

function countParameters({ weights }: ModelFolder): number {
  let count = 0;
  for (const { shape } of weights.entries.values()) count += sizeOf(shape);
  return count;
}

function pictureReader({ vision }: FusionConfig, pictures: PicturePreparer): PictureReader {
  const options = { cropSize: vision.imageSize, mean: vision.mean, std: vision.std };
  return async (source, { autoOrient }) => pictures.prepare(pictureSource(source), { ...options, autoOrient });
}
