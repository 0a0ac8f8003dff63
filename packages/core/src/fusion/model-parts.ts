import { embeddingTable, imageProjector, outputTable, textProjector, towerPrefix } from "./names.ts";

/** What a model consists of, in the order in which a picture and a question pass through it. */
export const modelParts = ["vision tower", "projectors", "embeddings", "language model", "interaction layers"] as const;
export type ModelPart = (typeof modelParts)[number];

/** The part that a parameter belongs to. */
export function modelPart(name: string): ModelPart {
  if (name.startsWith(`${towerPrefix}.`)) return "vision tower";
  if ([imageProjector, textProjector].some((prefix) => name.startsWith(`${prefix}.`))) return "projectors";
  if ([embeddingTable, outputTable].some((table) => name.startsWith(table.replace(/weight$/, "")))) return "embeddings";
  return name.startsWith("model.vision_sampler_layers.") ? "interaction layers" : "language model";
}
