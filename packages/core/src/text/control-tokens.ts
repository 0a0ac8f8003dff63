import { type ChatTemplate, chatTemplates, slotEnd, slotStart, type TemplateName } from "./chat-template.ts";
import type { FusionTokenizer } from "./tokenizer.ts";
import { tokenizerError } from "./tokenizer-json.ts";

/** The control tokens of a model family, as its own vocabularies spell them. */
export interface FamilyTokens {
  readonly pad: string;
  readonly bos: string;
  readonly eos: string;
  /** The family's tokenizers put `bos` in front of every text. */
  readonly addsBos: boolean;
  /** All of them in the order of their ids; the first is `pad`, which so has id 0. */
  readonly all: readonly string[];
}

const pad = "<pad>";

const ends: Readonly<Record<TemplateName, { bos: string; eos: string; addsBos: boolean }>> = {
  phi_3: { bos: "<s>", eos: "<|endoftext|>", addsBos: false },
  llama_3: { bos: "<|begin_of_text|>", eos: "<|end_of_text|>", addsBos: true },
  vicuna_v1: { bos: "<s>", eos: "</s>", addsBos: true },
};

/** The special tokens that a vocabulary for this template needs: padding first, then both ends of text, then the chat's. */
export function familySpecialTokens(name: TemplateName): FamilyTokens {
  const { bos, eos, addsBos } = ends[name];
  const chat = chatTemplates[name].controlTokens;
  return { pad, bos, eos, addsBos, all: [...new Set([pad, bos, eos, ...chat, slotStart, slotEnd])] };
}

/** The ids that end an answer: the template's own ending and the tokenizer's ends of text. */
export function stopTokenIds(
  tokenizer: Pick<FusionTokenizer, "idOf" | "eosIds">,
  template: ChatTemplate,
): readonly number[] {
  const candidates = [template.answerEnd, ends[template.name].eos].map((token) => tokenizer.idOf(token));
  return [...new Set([...candidates, ...tokenizer.eosIds].filter((id) => id !== undefined))];
}

/**
 * Makes sure that every control token of the template is one token of the vocabulary.
 *
 * @throws TOKENIZER_INVALID listing all that are missing
 */
export function requireControlTokens(tokenizer: Pick<FusionTokenizer, "idOf">, template: ChatTemplate): void {
  const missing = template.controlTokens.filter((token) => tokenizer.idOf(token) === undefined);
  if (missing.length === 0) return;
  throw tokenizerError(
    "tokenizer",
    `the control tokens of template ${template.name}`,
    `no ${missing.join(", ")}`,
    "Set fusion_template to the model's template, or take the tokenizer of a FUSION checkpoint of that family.",
  );
}
