import { internalError } from "../errors/index.ts";
import type { Answer, AnswerPart } from "./options.ts";

/** Reads a stream to its end part, which holds the whole answer. Throws what the stream throws. */
export async function wholeAnswer(stream: AsyncIterable<AnswerPart>): Promise<Answer> {
  for await (const part of stream) {
    if (part.type !== "end") continue;
    const { type: _, ...answer } = part;
    return answer;
  }
  throw internalError("answer", "the stream ended without an end part");
}
