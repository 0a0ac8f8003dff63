import type { Chat, FusionModel } from "@fusion-vlm/core";
import type { GenerationSettings } from "@fusion-vlm/plugin-kit";
import { type AnswerFacts, collectAnswer, questionOptions } from "./answer.ts";
import { type ModelFacts, modelFacts } from "./model-facts.ts";

export interface ConversationOptions {
  readonly system?: string;
  readonly autoOrient?: boolean;
  readonly reencode?: boolean;
  readonly generation: GenerationSettings;
}

/** The document of one turn of `fusion chat`. */
export interface ChatTurn extends AnswerFacts {
  /** Path of the picture; null for a conversation without one. */
  readonly image: string | null;
  /** 1 for the first question of a conversation. */
  readonly turn: number;
  readonly question: string;
  readonly model: ModelFacts;
}

/** A chat whose picture can be changed: each picture, and each reset, begins a new conversation. */
export class Conversation {
  readonly #model: FusionModel;
  readonly #options: ConversationOptions;
  #image: string | undefined;
  #chat: Chat;

  private constructor(model: FusionModel, options: ConversationOptions, chat: Chat, image: string | undefined) {
    this.#model = model;
    this.#options = options;
    this.#chat = chat;
    this.#image = image;
  }

  /** Begins a conversation; reads its picture at once. Throws what is wrong with that. */
  static async start(model: FusionModel, options: ConversationOptions, image?: string): Promise<Conversation> {
    return new Conversation(model, options, await openChat(model, options, image), image);
  }

  /** Path of the picture. */
  get image(): string | undefined {
    return this.#image;
  }

  /** Begins anew with another picture; when that is wrong, throws and stays as it was. */
  async changeImage(image: string): Promise<void> {
    await this.#replace(await openChat(this.#model, this.#options, image), image);
  }

  /** Begins anew with the same picture. */
  async reset(): Promise<void> {
    await this.#replace(await openChat(this.#model, this.#options, this.#image), this.#image);
  }

  /** Asks the next question. One that fails or is aborted leaves the conversation as it was. Throws as `Chat.stream`. */
  async ask(question: string, onText: (text: string) => void, signal?: AbortSignal): Promise<ChatTurn> {
    const stream = this.#chat.stream(question, { ...questionOptions(this.#options.generation), signal });
    const answer = await collectAnswer(stream, onText);
    const image = this.#image ?? null;
    return { image, turn: this.#chat.turns.length, question, ...answer, model: modelFacts(this.#model.info) };
  }

  async #replace(chat: Chat, image: string | undefined): Promise<void> {
    await this.#chat.dispose();
    this.#chat = chat;
    this.#image = image;
  }
}

async function openChat(model: FusionModel, options: ConversationOptions, image?: string): Promise<Chat> {
  const { system, autoOrient, reencode } = options;
  const chat = model.chat({ image, system, autoOrient, reencode });
  try {
    await chat.readPicture();
  } catch (error) {
    await chat.dispose();
    throw error;
  }
  return chat;
}
