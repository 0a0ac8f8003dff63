import { formatBytes, keyValues, printableLine } from "@fusion-vlm/plugin-kit";
import type { SynthesizeResult } from "../dataset/synthesize-node.ts";
import { synthKinds } from "../questions/index.ts";

/** What was written, how many of each kind, and how far guessing would come. */
export function renderSynthResult({ folder, card, imageBytes }: SynthesizeResult): string {
  const { pictures, questions, blindAccuracy } = card;
  const total = (split: "train" | "heldout") => synthKinds.reduce((sum, kind) => sum + questions[split][kind], 0);
  const lines = keyValues([
    ["training", `${pictures.train} pictures, ${total("train")} questions, ${pictures.train} captions`],
    ["held out", `${pictures.heldout} pictures, ${total("heldout")} questions`],
    ["pictures", formatBytes(imageBytes)],
    ["blind guess", blindAccuracy && `${(100 * blindAccuracy.overall).toFixed(1)} % of the held-out questions`],
  ]);
  return `${printableLine(folder)}\n${lines}`;
}
