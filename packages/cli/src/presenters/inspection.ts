import { interactionPoints, type ModelInspection, type ModelStorage, type PartSize } from "@fusion-vlm/core";
import { type Column, formatBytes, formatCount, keyValues, table } from "@fusion-vlm/plugin-kit";

/** The whole inspection: facts, parts, files, graphs. */
export function renderInspection(model: ModelInspection): string {
  const sections = [facts(model), parts(model), ...(model.storage ? [files(model.storage)] : []), graphs(model)];
  return sections.join("\n\n");
}

function facts(model: ModelInspection): string {
  const { source, kind, config, latents, imageTokens, contextLength, storage } = model;
  const { language, vision } = config;
  const heads = `${language.heads} heads${language.keyValueHeads < language.heads ? ` (${language.keyValueHeads} for keys and values)` : ""}`;
  return keyValues([
    [kind, source],
    ["type", `${config.modelType}, semantics ${config.semantics}, template ${config.template}`],
    ["vision tower", config.visionTower],
    [
      "",
      `${vision.kind}, ${vision.layers} layers of width ${vision.hiddenSize}, ${vision.heads} heads, ${vision.imageSize} pixels in patches of ${vision.patchSize}`,
    ],
    [
      "language model",
      `${language.layers} layers of width ${language.hiddenSize}, ${heads}, MLP ${language.intermediateSize}`,
    ],
    ["", `vocabulary ${language.vocabularySize}, rope ${language.ropeScaling.type}, theta ${language.ropeTheta}`],
    ["interaction", interactionLayers(config)],
    ["image tokens", `${imageTokens}${imageTokens === vision.grid ** 2 ? "" : ` of ${vision.grid ** 2} patches`}`],
    ["latents", `${latents} per question; trained with ${config.latentCounts.join(", ")}`],
    ["context", `${contextLength} tokens`],
    [
      "tokenizer",
      storage &&
        (storage.tokenizerTokens === undefined
          ? "none: it can be verified, not asked"
          : `${storage.tokenizerTokens} tokens`),
    ],
    ["weights", storage && weights(storage)],
  ]);
}

function interactionLayers(config: ModelInspection["config"]): string {
  const { window, heads } = config.interaction;
  const points = interactionPoints(config);
  if (points.length === 0) return "none";
  return `${points.length} layers, after decoder layers ${points.join(", ")}; windows of ${window}×${window}, ${heads} heads`;
}

function weights({ untrained, unused }: ModelStorage): string {
  const spare =
    unused.tensors > 0 ? `; ${unused.tensors} tensors (${formatBytes(unused.bytes)}) that FUSION does not read` : "";
  return `${untrained ? "random numbers, untrained" : "from a checkpoint"}${spare}`;
}

/** A preset has no files yet: what it would take stands there instead. */
function parts({ parts: list, parameters, storage }: ModelInspection): string {
  const sum = (count: (size: PartSize) => number) => list.reduce((total, size) => total + count(size), 0);
  const total = {
    part: "total",
    tensors: sum(({ tensors }) => tensors),
    parameters,
    bytes: sum(({ bytes = 0 }) => bytes),
  };
  type Row = Omit<PartSize, "part"> & { part: string };
  const size = (head: string, bytes: (row: Row) => number): Column<Row> => {
    return { head, value: (row) => formatBytes(bytes(row)), align: "right" };
  };
  return table<Row>(
    [...list, total],
    [
      { head: "part", value: ({ part }) => part },
      { head: "tensors", value: ({ tensors }) => tensors, align: "right" },
      { head: "parameters", value: (row) => formatCount(row.parameters), align: "right" },
      ...(storage
        ? [size("bytes", ({ bytes = 0 }) => bytes)]
        : [size("as float32", (row) => 4 * row.parameters), size("in 16 bits", (row) => 2 * row.parameters)]),
    ],
  );
}

function files({ files: list, dtypes }: ModelStorage): string {
  const rows = [
    ...list.map(({ file, ...size }) => ({ name: file, ...size })),
    ...dtypes.map(({ dtype, ...size }) => ({ name: `of these ${dtype}`, ...size })),
  ];
  return table(rows, [
    { head: "file", value: ({ name }) => name },
    { head: "tensors", value: ({ tensors }) => tensors, align: "right" },
    { head: "bytes", value: ({ bytes }) => formatBytes(bytes), align: "right" },
  ]);
}

function graphs({ graphs: list }: ModelInspection): string {
  return table(list, [
    { head: "graph", value: ({ name }) => name },
    { head: "nodes", value: ({ nodes }) => nodes, align: "right" },
    { head: "tensors", value: ({ tensors }) => tensors, align: "right" },
  ]);
}
