import type { InitModelResult } from "@fusion-vlm/core";
import { formatBytes, formatCount, printableLine } from "@fusion-vlm/plugin-kit";

/** What was made, and what to do with it. */
export function renderInitResult({ folder, parameters, bytes, files }: InitModelResult): string {
  const size = `${formatCount(parameters)} parameters, ${formatBytes(bytes)} of weights, ${files.length} files`;
  return `${printableLine(folder)}: ${size}\nIts weights are random numbers: it runs, and its answers mean nothing.`;
}
