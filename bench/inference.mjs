// Load, vision, prefill and decode of one model beside their FLOPs, their bytes and the bounds of this machine.

import {
  contextGraph,
  decodeGraph,
  defaultLatents,
  FusionEngine,
  imageGraph,
  KeyValueCache,
  layoutSequence,
  nodeBackend,
  openModelFolder,
  prefillGraph,
} from "@fusion-vlm/core";
import { graphCost } from "@fusion-vlm/core/graph";
import { measure } from "./peak.mjs";

const textTokens = 40;
const instructionTokens = 24;
const decodeSteps = 16;

/**
 * @param folder - model folder; answers do not matter, so random weights do
 * @param peaks - { flops, bytes } per second, measured in the same run
 */
export async function benchInference(folder, peaks) {
  const loadStart = performance.now();
  const { config, weights } = await openModelFolder(folder);
  const backend = await nodeBackend({ device: "cpu", worker: false });
  const engine = new FusionEngine(backend, config, weights);
  const latents = defaultLatents(config);
  await engine.warmUp(latents);
  const load = (performance.now() - loadStart) / 1000;

  const { imageSize: side } = config.vision;
  const pixels = (count) => ({
    dtype: "float32",
    shape: [count, 3, side, side],
    data: Float32Array.from({ length: count * 3 * side * side }, (_, i) => Math.sin(i)),
  });
  const ids = (count) => Array.from({ length: count }, (_, i) => 1 + (i % 500));
  const text = (endsQuestion) => ({ kind: "text", ids: ids(textTokens / 2), supervised: false, endsQuestion });
  const segments = [text(false), { kind: "image" }, { kind: "latent" }, text(true)];
  const layout = layoutSequence([{ segments, zeroLatents: false }], { imageRows: config.imageGrid ** 2, latents });

  const slow = { repeats: 3, minSeconds: 0.5 };
  const [whole, parts] = [pixels(1), pixels(4)];
  const image = await measure(() => engine.encodeImage(whole, ids(instructionTokens)), slow);
  const context = await measure(() => engine.encodeContext(parts, latents), slow);
  const imageTokens = await engine.encodeImage(whole, ids(instructionTokens));
  const visual = await engine.encodeContext(parts, latents);

  const capacity = layout.length + 64;
  const cache = await KeyValueCache.allocate(backend, config.language, capacity);
  const prefill = await measure(async () => {
    cache.truncate(0);
    await engine.prefill(layout, imageTokens, visual, cache);
  }, slow);
  const decode = await measure(async () => {
    cache.truncate(layout.length);
    for (let step = 0; step < decodeSteps; step++) await engine.decode(7, cache);
  }, slow);
  await cache.dispose();

  const sizes = { B: 1, I: instructionTokens, S: layout.length, T: textTokens, R: 1, Q: latents, M: 1, C: capacity };
  const row = (part, seconds, graph, unread = 0) => {
    const { flops, parameters, inputs } = graphCost(graph, sizes);
    const bytes = (parameters + inputs - unread) * 4;
    const bound = Math.max(flops / peaks.flops, bytes / peaks.bytes);
    return {
      part,
      seconds,
      flops,
      bytes,
      flopsPerSecond: flops / seconds,
      bytesPerSecond: bytes / seconds,
      ofBound: bound / seconds,
    };
  };
  // Of the embedding table one row is read, unless it is the output table too.
  const { tiedEmbeddings, vocabularySize, hiddenSize } = config.language;
  const unread = tiedEmbeddings ? 0 : vocabularySize * hiddenSize;
  const rows = [
    { part: "load: headers, engine, compile", seconds: load, bytes: weights.totalBytes },
    row(`whole image, ${instructionTokens} instruction tokens`, image, imageGraph(config)),
    row("four sub-images", context, contextGraph(config)),
    row(`prefill of ${layout.length} rows`, prefill, prefillGraph(config)),
    row(`decode of one token at ${layout.length}`, decode / decodeSteps, decodeGraph(config), unread),
  ];
  let parameters = 0;
  for (const { shape } of weights.entries.values()) parameters += shape.reduce((size, dim) => size * dim, 1);
  await engine.dispose();
  await backend.dispose();
  await weights.close();
  return { folder, parameters, latents, rows };
}
