import { formatBytes, formatCount, printableLine } from "@fusion-vlm/plugin-kit";
import type { ModelFacts } from "../services/model-facts.ts";

/** What stands above an answer: which model, where it runs and why, and a warning when its words mean nothing. */
export function renderModel(model: ModelFacts, { hasImage = true }: { hasImage?: boolean } = {}): string {
  const { source, parameters, bytes, device, deviceReason, latents, imageTokens, untrained } = model;
  const facts = [
    `${formatCount(parameters)} parameters, ${formatBytes(bytes)}`,
    `${device} (${deviceReason})`,
    hasImage ? `${latents} latents, ${imageTokens} image tokens` : `${latents} latents`,
  ];
  const lines = [`Model: ${printableLine(source)}: ${facts.join("; ")}`];
  if (untrained) lines.push("Untrained: its weights are random numbers, so its answers mean nothing.");
  return lines.join("\n");
}
