import { formatMilliseconds } from "@fusion-vlm/plugin-kit";
import type { AnswerFacts } from "../services/answer.ts";
import type { AskResult } from "../services/ask-question.ts";

const truncationNote = "the vision tower saw only the first 256 tokens of the question";

/** What stands below the answer of `fusion ask`: how it ended, what it took. */
export function renderAnswerFacts(answer: AskResult): string {
  const { load, image, vision, prefill, decode } = answer.timing;
  const seeing = answer.usage.imageTokens > 0 ? { image, vision } : {};
  const parts = Object.entries({ load, ...seeing, prefill, decode });
  const times = parts.map(([name, time]) => `${name} ${formatMilliseconds(time)}`).join(", ");
  return [`Tokens: ${tokenCounts(answer).join("; ")}`, `Time: ${[times, ...rate(answer)].join("; ")}`].join("\n");
}

/** What stands below an answer in a chat, on one line. */
export function renderTurnFacts(answer: AnswerFacts): string {
  const { total } = answer.timing;
  return `[${[...tokenCounts(answer), formatMilliseconds(total), ...rate(answer)].join("; ")}]`;
}

function tokenCounts({ tokens, finishReason, usage }: AnswerFacts): string[] {
  const { promptTokens, imageTokens, latentTokens, cachedTokens, instructionTruncated } = usage;
  const kinds = [imageTokens > 0 && `${imageTokens} image`, `${latentTokens} latent`].filter(Boolean).join(", ");
  return [
    `${promptTokens} in (${kinds})`,
    ...(cachedTokens > 0 ? [`${cachedTokens} cached`] : []),
    `${tokens.length} out${finishReason === "length" ? ", cut at the limit" : ""}`,
    ...(instructionTruncated ? [truncationNote] : []),
  ];
}

function rate({ tokensPerSecond }: AnswerFacts): string[] {
  return tokensPerSecond === null ? [] : [`${tokensPerSecond.toFixed(1)} tokens/s`];
}
