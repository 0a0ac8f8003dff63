import { FusionError } from "../errors/index.ts";
import type { TextPiece } from "./added-tokens.ts";

export type TemplateName = "phi_3" | "llama_3" | "vicuna_v1";

/** One question, and its answer where there is one already. */
export interface Turn {
  readonly question: string;
  readonly answer?: string;
}

/**
 * The fixed text of a conversation, in the order in which it is put together:
 *
 *   systemStart SYSTEM systemEnd  ( questionStart [slots] QUESTION questionEnd  [answerLead ANSWER answerEnd] )…
 *
 * Official: fusion/conversation.py, there `conv_phi_3`, `conv_llama_3` and `conv_vicuna_v1` ("v1").
 */
export interface ChatTemplate {
  readonly name: TemplateName;
  readonly defaultSystem: string;
  readonly systemStart: string;
  readonly systemEnd: string;
  readonly questionStart: string;
  readonly questionEnd: string;
  /** Stands between the question's end and an answer that is there; a model writes it as part of its answer. */
  readonly answerLead: string;
  /** One control token; a model that writes it has finished its answer. */
  readonly answerEnd: string;
  /** Tokens that the vocabulary must have for this template to mean anything. */
  readonly controlTokens: readonly string[];
}

/** Stand around the image and around each latent grid; added tokens with embeddings of their own. */
export const slotStart = "<vision_start>";
export const slotEnd = "<vision_end>";

const slotTokens = [slotStart, slotEnd];

export const chatTemplates: Readonly<Record<TemplateName, ChatTemplate>> = {
  phi_3: {
    name: "phi_3",
    defaultSystem: "You are a helpful AI assistant.",
    systemStart: "<|system|>\n",
    systemEnd: "<|end|>",
    questionStart: "\n<|user|>\n",
    questionEnd: "<|end|>\n<|assistant|>\n",
    answerLead: "",
    answerEnd: "<|end|>",
    controlTokens: ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>", ...slotTokens],
  },
  llama_3: {
    name: "llama_3",
    defaultSystem:
      "You are a helpful, highly intelligent language and vision assistant. You are able to understand the visual " +
      "content that the user provides, and assist the user with a variety of tasks using natural language. Whenever an " +
      "image is present in the conversation, very carefully examine it and consider its content when formulating your " +
      "response.",
    systemStart: "<|start_header_id|>system<|end_header_id|>\n\n",
    systemEnd: "<|eot_id|>",
    questionStart: "<|start_header_id|>user<|end_header_id|>\n\n",
    questionEnd: "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    answerLead: "",
    answerEnd: "<|eot_id|>",
    controlTokens: ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", ...slotTokens],
  },
  vicuna_v1: {
    name: "vicuna_v1",
    defaultSystem:
      "A chat between a curious user and an artificial intelligence assistant. " +
      "The assistant gives helpful, detailed, and polite answers to the user's questions.",
    systemStart: "",
    systemEnd: " ",
    questionStart: "USER: ",
    questionEnd: " ASSISTANT:",
    answerLead: " ",
    answerEnd: "</s>",
    controlTokens: ["</s>", ...slotTokens],
  },
};

/** Looks up a template. Throws CONFIG_INVALID listing the known names. */
export function chatTemplate(name: string): ChatTemplate {
  if (Object.hasOwn(chatTemplates, name)) return chatTemplates[name as TemplateName];
  throw new FusionError({
    code: "CONFIG_INVALID",
    at: "fusion_template",
    expected: `one of ${Object.keys(chatTemplates).join(", ")}`,
    actual: JSON.stringify(name),
    hint: "Set fusion_template in config.json to the template the model was trained with.",
  });
}

/** A stretch of prompt text with what training and inference need to know about it, or a slot for other embeddings. */
export type PromptPiece = PromptText | PromptSlot;

export interface PromptText extends TextPiece {
  readonly kind: "text";
  readonly plain: boolean;
  /** Counts in the loss. */
  readonly supervised: boolean;
  /** Its last token is the last one before the answer starts. */
  readonly endsQuestion: boolean;
}

/** The name is how the reference writes the slot; what it receives is decided by its place (see sequence-plan.ts). */
export interface PromptSlot {
  readonly kind: "slot";
  readonly name: "<latent_image>" | "<image>";
}

export interface ConversationOptions {
  readonly hasImage: boolean;
  /** Replaces the template's own system text. Control tokens in it are letters. */
  readonly system?: string;
}

/**
 * A conversation as pieces: the one definition behind the prompt string and the sequence plan.
 *
 * @throws PROMPT_INVALID without turns, for a blank question, or when a turn before the last has no answer
 */
export function conversationPieces(
  template: ChatTemplate,
  turns: readonly Turn[],
  { hasImage, system = template.defaultSystem }: ConversationOptions,
): PromptPiece[] {
  if (turns.length === 0) throw promptError("turns", "at least one", "none", "Ask a question.");
  const pieces: PromptPiece[] = [fixed(template.systemStart), plain(system), fixed(template.systemEnd)];
  for (const [i, { question, answer }] of turns.entries()) {
    pieces.push(...questionPieces(template, question, { hasImage: hasImage && i === 0, at: `question ${i + 1}` }));
    if (answer !== undefined) {
      pieces.push(answered(template.answerLead, false), answered(answer, true), answerEnding(template));
    } else if (i < turns.length - 1) {
      throw promptError(`answer ${i + 1}`, "a text", "nothing", "Only the last turn may lack its answer.");
    }
  }
  return pieces.filter((piece) => piece.kind === "slot" || piece.text !== "");
}

/** The pieces of one question, from the end of what came before to where its answer starts. */
export function questionPieces(
  template: ChatTemplate,
  question: string,
  { hasImage, at }: { hasImage: boolean; at: string },
): PromptPiece[] {
  if (typeof question !== "string" || question.trim() === "") {
    throw promptError(
      at,
      "a question",
      typeof question === "string" ? "blank text" : typeof question,
      "Write a question.",
    );
  }
  const slot = (name: PromptSlot["name"]): PromptPiece[] => [fixed(slotStart), { kind: "slot", name }, fixed(slotEnd)];
  return [
    fixed(template.questionStart),
    ...slot("<latent_image>"),
    ...(hasImage ? [...slot("<image>"), fixed("\n")] : []),
    plain(question),
    { ...fixed(template.questionEnd), endsQuestion: true },
  ];
}

/** The token that ends an answer. It is part of what the model learns to write. */
export function answerEnding(template: ChatTemplate): PromptText {
  return answered(template.answerEnd, false);
}

/**
 * The prompt as the reference's `get_prompt()` writes it, with `<latent_image>` and `<image>` for the slots.
 *
 * For reading and comparing; encode a plan instead, where users cannot forge a slot.
 */
export function renderPrompt(template: ChatTemplate, turns: readonly Turn[], options: ConversationOptions): string {
  const pieces = conversationPieces(template, turns, options);
  return pieces.map((piece) => (piece.kind === "slot" ? piece.name : piece.text)).join("");
}

function fixed(text: string): PromptText {
  return { kind: "text", text, plain: false, supervised: false, endsQuestion: false };
}

function plain(text: string): PromptText {
  return { ...fixed(text), plain: true };
}

function answered(text: string, isPlain: boolean): PromptText {
  return { ...fixed(text), plain: isPlain, supervised: true };
}

function promptError(at: string, expected: string, actual: string, hint: string): FusionError {
  return new FusionError({ code: "PROMPT_INVALID", at, expected, actual, hint });
}
