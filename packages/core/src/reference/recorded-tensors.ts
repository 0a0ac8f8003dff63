import type { FusionConfig } from "../fusion/index.ts";
import { referenceError } from "./reference-error.ts";
import type { Tensors } from "./reference-folder.ts";

/** They hold no result: they say which rows of other tensors were recorded, and which of those are padding. */
const rowLists = [
  "vision.text.rows",
  "vision.global.rows",
  "global.rows",
  "global.pooled_rows",
  "llm.rows",
  "llm.rows_valid",
] as const;

/** Whole numbers, of which none may differ. */
const exactTensors = [
  "vision.instruct_mask",
  "llm.instruct_positions",
  "llm.vision_positions",
  "llm.labels",
  "llm.attention_mask",
] as const;

/** Recorded under the name of the mark in our graph. */
const markedTensors = [
  /^vision\.(text|global)\.(h\d+|connector|mm)$/,
  /^vision\.(instruct_embeddings|instruct_states|vision_embeddings|vision_features)$/,
  /^global\.(features|latent_init|pooled)$/,
  /^llm\.layer\d+\.(pre|post|sampler\.(queries|image_tokens|out))$/,
  /^llm\.(final_norm|logits)$/,
];

export type ExactTensor = (typeof exactTensors)[number];

export function isExact(name: string): name is ExactTensor {
  return (exactTensors as readonly string[]).includes(name);
}

export function isRowList(name: string): boolean {
  return (rowLists as readonly string[]).includes(name);
}

/** The mark of the loss graph that a recorded tensor is compared with; undefined for a name that no model has. */
export function markOf(name: string, { vision }: FusionConfig): string | undefined {
  switch (name) {
    case "vision.text.last_full_sample0":
      return `vision.text.h${vision.layers}`;
    case "llm.inputs_embeds_rows":
    case "llm.inputs_embeds_sample0":
      return "llm.inputs_embeds";
    case "sampler0.windows_in":
      return "global.windows";
  }
  return markedTensors.some((pattern) => pattern.test(name)) ? name : undefined;
}

/** Throws REFERENCE_INVALID for a tensor that this model does not have: nothing is left out in silence. */
export function requireKnownTensors(
  tensors: Tensors,
  marks: ReadonlyMap<string, unknown>,
  config: FusionConfig,
  variant: string,
): void {
  for (const name of tensors.keys()) {
    if (isRowList(name) || isExact(name)) continue;
    const mark = markOf(name, config);
    if (mark === undefined || !marks.has(mark)) throw unknownTensor(`${variant}/${name}`);
  }
}

export function unknownTensor(at: string) {
  return referenceError(at, "a tensor that this model has", "an unknown name");
}
