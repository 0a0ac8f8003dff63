import { join } from "node:path";
import { z } from "zod";
import { FusionError } from "../errors/index.ts";
import { type ChatTemplate, type FusionTokenizer, stopTokenIds } from "../text/index.ts";
import { readJson } from "./read-json-node.ts";

const id = z.number().int().min(0);
/** Of generation_config.json; how tokens are chosen is left to the caller of a question. */
const schema = z.object({ eos_token_id: z.union([id, z.array(id)]).nullish() });

/**
 * Ids that end an answer: the template's, the tokenizer's, and those that generation_config.json adds.
 *
 * @throws CONFIG_INVALID for a generation_config.json that cannot be understood
 */
export async function readStopTokens(
  folder: string,
  tokenizer: FusionTokenizer,
  template: ChatTemplate,
): Promise<readonly number[]> {
  const path = join(folder, "generation_config.json");
  const json = await readJson(path, { optional: true });
  const result = schema.safeParse(json === undefined ? {} : json);
  if (!result.success) {
    throw new FusionError({
      code: "CONFIG_INVALID",
      at: path,
      expected: "an object whose eos_token_id is a token id or a list of them",
      actual: JSON.stringify((json as Record<string, unknown> | null)?.eos_token_id ?? json).slice(0, 80),
      hint: "Correct the file or remove it.",
    });
  }
  return [...new Set([...stopTokenIds(tokenizer, template), ...[result.data.eos_token_id ?? []].flat()])];
}
