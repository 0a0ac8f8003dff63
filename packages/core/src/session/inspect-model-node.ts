import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  contextGraph,
  decodeGraph,
  defaultLatents,
  extendGraph,
  type FusionConfig,
  fusionParameters,
  imageGraph,
  isUnusedParameter,
  latentsGraph,
  lossGraph,
  type ModelPart,
  modelPart,
  modelParts,
  modelPreset,
  parseConfig,
  prefillGraph,
} from "../fusion/index.ts";
import type { Graph } from "../graph/index.ts";
import { sizeOf } from "../tensor/index.ts";
import { loadTokenizer } from "../text/index-node.ts";
import type { WeightEntry } from "../weights/index.ts";
import { openModelFolder } from "./model-folder-node.ts";
import { findModel } from "./model-source-node.ts";

/** A part of the model, and how much of it there is. */
export interface PartSize {
  readonly part: ModelPart;
  readonly tensors: number;
  readonly parameters: number;
  /** As stored; absent for a preset, which has no files. */
  readonly bytes?: number;
}

/** A graph that the model makes, before the engine optimises it. */
export interface GraphSize {
  readonly name: string;
  readonly nodes: number;
  /** Checkpoint tensors that it reads. */
  readonly tensors: number;
}

/** What lies on the disk. */
export interface ModelStorage {
  /** Bytes of all tensors, those included that nothing reads. */
  readonly bytes: number;
  readonly dtypes: readonly { readonly dtype: string; readonly tensors: number; readonly bytes: number }[];
  readonly files: readonly { readonly file: string; readonly tensors: number; readonly bytes: number }[];
  /** Tensors of the checkpoint that FUSION does not read, such as the tower's pooling head. */
  readonly unused: { readonly tensors: number; readonly bytes: number };
  /** Tokens of the tokenizer; absent where the folder has none: it can be verified, not asked. */
  readonly tokenizerTokens?: number;
  /** The weights are random numbers. */
  readonly untrained: boolean;
}

/** Facts about a model that has not been loaded. */
export interface ModelInspection {
  /** The folder, or the name of the preset. */
  readonly source: string;
  readonly kind: "folder" | "preset";
  readonly config: FusionConfig;
  /** Q when a question names none. */
  readonly latents: number;
  /** Pᵢ */
  readonly imageTokens: number;
  readonly contextLength: number;
  readonly parameters: number;
  readonly parts: readonly PartSize[];
  readonly graphs: readonly GraphSize[];
  /** Absent for a preset. */
  readonly storage?: ModelStorage;
}

/**
 * Tells what a model folder holds, or what a preset would: configuration, sizes, files, graphs. Starts no engine and reads no weights.
 *
 * @throws MODEL_NOT_FOUND, CONFIG_INVALID, WEIGHTS_INVALID, WEIGHTS_MISMATCH, TOKENIZER_INVALID
 */
export async function inspectModel(source: string): Promise<ModelInspection> {
  const found = await findModel(source);
  if (found.kind === "preset") {
    const preset = modelPreset(found.preset);
    return describe(source, "preset", parseConfig(preset.config, preset.vision, `preset ${source}`));
  }
  const { folder, config, weights, untrained } = await openModelFolder(found.folder);
  try {
    const { entries, totalBytes } = weights;
    const unused = [...entries].filter(([name]) => isUnusedParameter(name, config)).map(([, entry]) => entry);
    return {
      ...describe(source, "folder", config, entries),
      storage: {
        bytes: totalBytes,
        dtypes: groups([...entries.values()], ({ dtype }) => dtype).map(([dtype, sizes]) => ({ dtype, ...sizes })),
        files: groups([...entries.values()], ({ path }) => basename(path)).map(([file, sizes]) => ({ file, ...sizes })),
        unused: sizesOf(unused),
        tokenizerTokens: await tokenizerTokens(folder),
        untrained,
      },
    };
  } finally {
    await weights.close();
  }
}

function describe(
  source: string,
  kind: ModelInspection["kind"],
  config: FusionConfig,
  entries?: ReadonlyMap<string, WeightEntry>,
): ModelInspection {
  const parts = partSizes(config, entries);
  return {
    source,
    kind,
    config,
    latents: defaultLatents(config),
    imageTokens: config.imageGrid ** 2,
    contextLength: Math.min(config.maxLength, config.language.maxPositions),
    parameters: parts.reduce((sum, { parameters }) => sum + parameters, 0),
    parts,
    graphs: graphsOf(config).map(({ name, nodes, parameters }) => ({
      name,
      nodes: nodes.length,
      tensors: parameters.length,
    })),
  };
}

function partSizes(config: FusionConfig, entries: ReadonlyMap<string, WeightEntry> | undefined): PartSize[] {
  const shapes = fusionParameters(config);
  return modelParts.map((part) => {
    const own = [...shapes].filter(([name]) => modelPart(name) === part);
    return {
      part,
      tensors: own.length,
      parameters: own.reduce((sum, [, shape]) => sum + sizeOf(shape), 0),
      ...(entries && { bytes: bytesOf(part, entries, config) }),
    };
  });
}

function bytesOf(part: ModelPart, entries: ReadonlyMap<string, WeightEntry>, config: FusionConfig): number {
  let bytes = 0;
  for (const [name, { length }] of entries) {
    if (modelPart(name) === part && !isUnusedParameter(name, config)) bytes += length;
  }
  return bytes;
}

function graphsOf(config: FusionConfig): Graph[] {
  const latents = defaultLatents(config);
  return [
    imageGraph(config),
    contextGraph(config),
    latentsGraph(config, latents),
    prefillGraph(config),
    extendGraph(config),
    decodeGraph(config),
    lossGraph(config, latents),
  ];
}

function groups(entries: readonly WeightEntry[], key: (entry: WeightEntry) => string) {
  const keys = [...new Set(entries.map(key))].sort();
  return keys.map((name) => [name, sizesOf(entries.filter((entry) => key(entry) === name))] as const);
}

function sizesOf(entries: readonly WeightEntry[]): { tensors: number; bytes: number } {
  return { tensors: entries.length, bytes: entries.reduce((sum, { length }) => sum + length, 0) };
}

async function tokenizerTokens(folder: string): Promise<number | undefined> {
  const exists = await stat(join(folder, "tokenizer.json")).catch(() => undefined);
  return exists && (await loadTokenizer(folder)).vocabSize;
}
