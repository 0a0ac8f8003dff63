import {
  answerEnding,
  type ChatTemplate,
  type ConversationOptions,
  conversationPieces,
  type PromptPiece,
  type PromptText,
  questionPieces,
  type Turn,
} from "./chat-template.ts";
import { requireControlTokens } from "./control-tokens.ts";
import type { FusionTokenizer } from "./tokenizer.ts";

export interface TextSegment {
  readonly kind: "text";
  readonly ids: readonly number[];
  /** The ids count in the loss: an answer with the token that ends it. */
  readonly supervised: boolean;
  /** The last id is the end of a question, k_r of equation (9). */
  readonly endsQuestion: boolean;
}

/** A stretch of the sequence: token ids, the P image tokens, or a grid of Q latent tokens. */
export type Segment = TextSegment | { readonly kind: "image" } | { readonly kind: "latent" };

export interface SequencePlan {
  readonly segments: readonly Segment[];
  /** Ids for text-guided encoding (equation 1); [0] for a conversation without an image. */
  readonly instruction: readonly number[];
  /** True when `instruction` was cut at {@link paperInstructionLimit} tokens. */
  readonly instructionTruncated: boolean;
  readonly turnCount: number;
}

export type PlanTokenizer = Pick<FusionTokenizer, "encode" | "idOf">;

export interface ConversationPlanOptions extends ConversationOptions {
  readonly tokenizer: PlanTokenizer;
  readonly template: ChatTemplate;
  readonly turns: readonly Turn[];
  readonly semantics: "released" | "paper";
}

/** The paper cuts the instruction at this many tokens; the released code never does. */
export const paperInstructionLimit = 256;

/**
 * A whole conversation: what stands where in the language model's sequence, before P and Q are known.
 *
 * The first slot of the sequence receives the image tokens and every later one a latent grid, whatever their names.
 * Without an image all are latent grids (of zeros). Text between two slots is encoded as one string, as the reference
 * does; one beginning-of-sequence token stands in front where the tokenizer adds it.
 *
 * @throws PROMPT_INVALID for a blank question or a missing answer; TOKENIZER_INVALID when the vocabulary lacks a
 *   control token of the template
 * @see official: fusion/mm_utils.py tokenizer_image_token, fusion/train/train.py preprocess_phi_3 and preprocess_llama_3
 */
export function planConversation(options: ConversationPlanOptions): SequencePlan {
  const { tokenizer, template, turns, hasImage } = options;
  requireControlTokens(tokenizer, template);
  const segments = encodePieces(tokenizer, conversationPieces(template, turns, options), { bos: true, hasImage });
  const instruction = hasImage ? encodeInstruction(tokenizer, turns) : [0];
  const limit = options.semantics === "paper" ? paperInstructionLimit : Number.POSITIVE_INFINITY;
  return {
    segments,
    instruction: instruction.slice(0, limit),
    instructionTruncated: instruction.length > limit,
    turnCount: turns.length,
  };
}

export interface TurnPlanOptions {
  readonly tokenizer: PlanTokenizer;
  readonly template: ChatTemplate;
  readonly question: string;
  /** True when the sequence so far already ends with the template's answer-ending token. */
  readonly answerClosed: boolean;
}

/**
 * What a later question appends to a sequence that ends with an answer: the answer's end where it is missing, the
 * question's own latent grid, and the question.
 *
 * @throws as {@link planConversation}
 */
export function planTurn({ tokenizer, template, question, answerClosed }: TurnPlanOptions): Segment[] {
  requireControlTokens(tokenizer, template);
  const pieces = [answerEnding(template), ...questionPieces(template, question, { hasImage: false, at: "question" })];
  const segments = encodePieces(tokenizer, pieces, { bos: false, hasImage: false });
  // The ending is encoded even when it is there already: it decides how the text behind it is cut into tokens.
  return answerClosed ? segments.slice(1) : segments;
}

/** Equation (1)'s instruction: each question stripped, nothing between them. */
function encodeInstruction(tokenizer: PlanTokenizer, turns: readonly Turn[]): number[] {
  return tokenizer.encode([{ text: turns.map((turn) => turn.question.trim()).join(""), plain: true }], { bos: true });
}

/** Text between two slots is one string; the first string has the BOS token, also where later ones are cut in mid-sentence. */
export function encodePieces(
  tokenizer: PlanTokenizer,
  pieces: readonly PromptPiece[],
  { bos, hasImage }: { bos: boolean; hasImage: boolean },
): Segment[] {
  const segments: Segment[] = [];
  let slots = 0;
  let chunk: PromptText[] = [];
  const flush = () => {
    segments.push(...encodeGroups(tokenizer, groupByUse(chunk), bos && slots === 0));
    chunk = [];
  };
  for (const piece of pieces) {
    if (piece.kind === "text") {
      chunk.push(piece);
    } else {
      flush();
      segments.push({ kind: hasImage && slots === 0 ? "image" : "latent" });
      slots += 1;
    }
  }
  flush();
  return segments;
}

/** Cuts a chunk where a question ends and where an answer ends. */
function groupByUse(chunk: readonly PromptText[]): PromptText[][] {
  const groups: PromptText[][] = [];
  for (const piece of chunk) {
    const last = groups.at(-1)?.at(-1);
    if (last && last.supervised === piece.supervised && !last.endsQuestion) groups.at(-1)?.push(piece);
    else groups.push([piece]);
  }
  return groups;
}

/**
 * Encodes groups as one string and finds their borders in the ids.
 *
 * Where a token would span a border, what follows is encoded on its own: so a question has the same ids in training and
 * when its answer is yet to be written. differs from official: there the labels shift by a token in that case. It needs
 * an answer that begins with white space, or a vocabulary that joins the line breaks at a text's end only.
 */
function encodeGroups(tokenizer: PlanTokenizer, groups: readonly PromptText[][], bos: boolean): TextSegment[] {
  if (groups.length === 0) return [];
  const whole = tokenizer.encode(groups.flat(), { bos });
  const segments: TextSegment[] = [];
  let start = 0;
  for (const [i, group] of groups.entries()) {
    const isLast = i === groups.length - 1;
    const prefix = isLast ? whole : tokenizer.encode(groups.slice(0, i + 1).flat(), { bos });
    if (prefix.some((id, k) => id !== whole[k])) {
      return [
        ...encodeGroups(tokenizer, groups.slice(0, i + 1), bos),
        ...encodeGroups(tokenizer, groups.slice(i + 1), false),
      ];
    }
    segments.push(textSegment(whole.slice(start, prefix.length), group));
    start = prefix.length;
  }
  return segments;
}

function textSegment(ids: number[], group: readonly PromptText[]): TextSegment {
  const last = group.at(-1);
  return { kind: "text", ids, supervised: last?.supervised ?? false, endsQuestion: last?.endsQuestion ?? false };
}
