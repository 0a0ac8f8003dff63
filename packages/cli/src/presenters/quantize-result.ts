import type { QuantizationError, WeightFormat } from "@fusion-vlm/core";
import { formatBytes, printableLine, table } from "@fusion-vlm/plugin-kit";
import type { QuantizeResult } from "../services/quantize-folder.ts";

/** What was written, and what it has cost in exactness. */
export function renderQuantization({ folder, quantization, originalBytes, bytes, errors }: QuantizeResult): string {
  const formats = Object.entries(quantization).map(([part, format]) => `${part} ${formatName(format)}`);
  const size = `${formatBytes(originalBytes)} of weights, now ${formatBytes(bytes)}`;
  const lines = [`${printableLine(folder)}: ${size}`, `Formats: ${formats.join(", ") || "none"}`];
  if (!errors) return lines.join("\n");
  return [...lines, "", errorTable(errors), "", ...errors.map(answerLine)].join("\n");
}

function formatName(format: WeightFormat | undefined): string {
  if (!format) return "as it was";
  return format.bits === 8 ? "int8" : `int4/${format.block}`;
}

/** The error behind each layer, one column for each way of running the decoder. */
function errorTable(errors: readonly QuantizationError[]): string {
  const [first] = errors;
  const rows = first!.states.map(({ state }, index) => ({ state, at: index }));
  return table(rows, [
    { head: "behind", value: ({ state }) => state },
    ...errors.map(({ decoder, states }) => ({
      head: errors.length > 1 ? decoder : "error",
      value: ({ at }: { at: number }) => `${(100 * states[at]!.error).toFixed(2)} %`,
      align: "right" as const,
    })),
  ]);
}

function answerLine({ decoder, tokens, loss, divergence, agreement }: QuantizationError): string {
  const change = `loss ${loss.original.toFixed(3)} → ${loss.quantized.toFixed(3)}`;
  const same = `${(100 * agreement).toFixed(0)} % the same next token`;
  return `Answer of ${tokens} tokens, ${decoder}: ${change}, divergence ${divergence.toFixed(4)} nats, ${same}.`;
}
