import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { layoutSequence, type SequenceLayout } from "../fusion/index.ts";
import { createRandom, float32, type Tensor } from "../tensor/index.ts";
import type { TinyModelOptions } from "../testing/index.ts";
import { writeTinyModel } from "../testing/write-tiny-model-node.ts";
import { chatTemplate, type Segment } from "../text/index.ts";
import { loadTokenizer } from "../text/index-node.ts";
import { Chat } from "./chat.ts";
import type { ChatContext, ConversationSettings } from "./chat-context.ts";
import { FusionEngine, type ImageContext } from "./engine.ts";
import { KeyValueCache } from "./kv-cache.ts";
import { LookupGain } from "./lookup-decoder.ts";
import { openModelFolder } from "./model-folder-node.ts";
import { readStopTokens } from "./stop-tokens-node.ts";
import { type PreparedPicture, VisionMemory } from "./vision-memory.ts";

/** A tiny model with a context that takes several questions. */
export const roomyModel: TinyModelOptions = {
  config: { max_position_embeddings: 600, tokenizer_model_max_length: 600 },
};

/** What the engine was asked for, and what it answered. */
export interface EngineCall {
  readonly kind: "prefill" | "extend" | "decode" | "verify";
  readonly rows: number;
  /** Filled rows of the cache before the call. */
  readonly cached: number;
  readonly logits: Float32Array;
}

/** The engine itself; it only writes down what passes. */
export class ListeningEngine extends FusionEngine {
  readonly calls: EngineCall[] = [];

  override async prefill(layout: SequenceLayout, imageTokens: Tensor, context: ImageContext, cache: KeyValueCache) {
    const logits = await super.prefill(layout, imageTokens, context, cache);
    this.calls.push({ kind: "prefill", rows: layout.length, cached: 0, logits });
    return logits;
  }

  override async extend(layout: SequenceLayout, context: ImageContext, cache: KeyValueCache) {
    const cached = cache.length;
    const logits = await super.extend(layout, context, cache);
    this.calls.push({ kind: "extend", rows: layout.length, cached, logits });
    return logits;
  }

  override async decode(token: number, cache: KeyValueCache) {
    const cached = cache.length;
    const logits = await super.decode(token, cache);
    this.calls.push({ kind: "decode", rows: 1, cached, logits });
    return logits;
  }

  override async verify(tokens: readonly number[], cache: KeyValueCache) {
    const cached = cache.length;
    const logits = await super.verify(tokens, cache);
    this.calls.push({ kind: "verify", rows: tokens.length, cached, logits: logits[0]! });
    return logits;
  }

  /** Hands over the calls so far. */
  take(): EngineCall[] {
    return this.calls.splice(0);
  }
}

/** Goes on trying out several tokens, however long that takes on this machine. */
class Believed extends LookupGain {
  override get isWorthwhile(): boolean {
    return true;
  }
}

/** A model in pieces, computing in this thread. */
export interface TestSession {
  readonly engine: ListeningEngine;
  readonly context: ChatContext;
  readonly backend: Backend;
  chat(settings?: Partial<ConversationSettings>): Chat;
  /** Image tokens of the test picture, guided by an instruction. */
  imageTokens(instruction: readonly number[]): Promise<Tensor>;
  /** Logits [V] of a whole sequence run at once, without a cache from before. */
  recompute(segments: readonly Segment[], imageTokens: Tensor, picture?: PreparedPicture): Promise<Float32Array>;
  dispose(): Promise<void>;
}

export async function openSession(options: TinyModelOptions = roomyModel, latents = 4): Promise<TestSession> {
  const folder = await mkdtemp(join(tmpdir(), "session-"));
  await writeTinyModel(folder, options);
  const { config, weights } = await openModelFolder(folder);
  const backend = await nodeBackend({ worker: false, threads: 1 });
  const engine = new ListeningEngine(backend, config, weights);
  const tokenizer = await loadTokenizer(folder);
  const template = chatTemplate(config.template);
  const stopTokens = await readStopTokens(folder, tokenizer, template);
  const contextLength = Math.min(config.maxLength, config.language.maxPositions);
  const vision = new VisionMemory(engine, latents);
  const context = {
    engine,
    vision,
    tokenizer,
    template,
    latents,
    contextLength,
    stopTokens,
    lookupGain: new Believed(),
  };
  return {
    engine,
    context,
    backend,
    chat: (settings = {}) =>
      new Chat(context, { hasImage: true, reencode: false, picture: async () => testPicture(), ...settings }),
    imageTokens: async (instruction) =>
      engine.encodeImage(await engine.encodeImageBase(testPicture().wholeImage), instruction),
    async recompute(segments, imageTokens, picture = testPicture()) {
      const imageRows = config.imageGrid ** 2;
      const layout = layoutSequence([{ segments, zeroLatents: false }], { imageRows, latents });
      const cache = await KeyValueCache.allocate(backend, config.language, layout.length);
      const quiet = new FusionEngine(backend, config, weights);
      const logits = await quiet.prefill(
        layout,
        imageTokens,
        await quiet.encodeContext(picture.subImages, latents),
        cache,
      );
      await cache.dispose();
      await quiet.dispose();
      return logits;
    },
    async dispose() {
      await engine.dispose();
      await backend.dispose();
      await weights.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Pixels of the tiny tower's size that look like nothing; another seed, another picture. */
export function testPicture(seed = 0): PreparedPicture {
  const pixels = (count: number, name: string): Tensor<"float32"> => {
    const random = createRandom(seed, name);
    return float32(
      [count, 3, 16, 16],
      Array.from({ length: count * 3 * 256 }, () => 2 * random() - 1),
    );
  };
  return { wholeImage: pixels(1, "whole"), subImages: pixels(4, "parts"), contentKey: `test picture ${seed}` };
}

/** A PNG with a colour gradient. */
export function testPhoto(width = 64, height = 48): Promise<Uint8Array> {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7 + (i >> 5) * 13) % 256);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}
