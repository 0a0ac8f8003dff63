import type { FusionConfig } from "../fusion/index.ts";
import { Chat } from "./chat.ts";
import type { ChatContext } from "./chat-context.ts";
import { type OptionNames, requireKnownOptions } from "./known-options.ts";
import {
  type Answer,
  type AnswerPart,
  type ImageSource,
  optionError,
  type QuestionOptions,
  questionOptions,
} from "./options.ts";
import type { PreparedPicture } from "./vision-memory.ts";
import { wholeAnswer } from "./whole-answer.ts";

/** Facts about a loaded model. */
export interface ModelInfo {
  /** The folder, or `preset NAME` for a model made at random. */
  readonly source: string;
  readonly config: FusionConfig;
  readonly parameters: number;
  /** Bytes of the weights as stored. */
  readonly bytes: number;
  readonly device: string;
  /** Why this device. */
  readonly deviceReason: string;
  /** Q */
  readonly latents: number;
  /** Pᵢ */
  readonly imageTokens: number;
  readonly contextLength: number;
  /** The weights are random numbers: its answers mean nothing. */
  readonly untrained: boolean;
  /** Milliseconds from call to ready. */
  readonly loadTime: number;
}

export interface ChatOptions {
  readonly image?: ImageSource;
  readonly system?: string;
  readonly autoOrient?: boolean;
  /**
   * Encode the image again with all questions at every turn, as the reference's chat program does.
   *
   * The conversation is then told to the model as its text. Without it, the cache holds the very tokens that were written, those
   * of a stop text included, which is no part of the answer's text: after a stop text the two ways differ in what the model
   * remembers.
   */
  readonly reencode?: boolean;
}

const chatOptions: OptionNames<ChatOptions> = { image: true, system: true, autoOrient: true, reencode: true };

/** How a picture becomes pixels; Node and browsers differ here alone. */
export type PictureReader = (source: ImageSource, options: { autoOrient?: boolean }) => Promise<PreparedPicture>;

export interface FusionModelParts {
  readonly info: ModelInfo;
  readonly context: ChatContext;
  readonly readPicture: PictureReader;
  /** Frees what the model stands on: engine, files, temporary folder. */
  readonly release: () => Promise<void>;
}

/**
 * A loaded FUSION model. Made by `loadFusion`.
 *
 * @example
 * const model = await loadFusion("nano");
 * const answer = await model.ask({ image: "photo.jpg", question: "What is in the picture?" });
 */
export class FusionModel {
  readonly info: ModelInfo;
  readonly #parts: FusionModelParts;
  readonly #chats = new Set<Chat>();
  #disposed: Promise<void> | undefined;

  constructor(parts: FusionModelParts) {
    this.info = parts.info;
    this.#parts = parts;
  }

  /** Answers one question. Throws as {@link Chat.stream}. */
  ask(options: QuestionOptions): Promise<Answer> {
    return wholeAnswer(this.stream(options));
  }

  /** Answers one question in pieces. Throws as {@link Chat.stream}. */
  async *stream(options: QuestionOptions): AsyncGenerator<AnswerPart, void, undefined> {
    requireKnownOptions("ask", options, questionOptions);
    const { image, question, system, autoOrient, ...generation } = options;
    const chat = this.chat({ image, system, autoOrient });
    try {
      for await (const part of chat.stream(question, generation)) {
        // Whoever has the end may never ask for more.
        if (part.type === "end") await chat.dispose();
        yield part;
      }
    } finally {
      await chat.dispose();
    }
  }

  /** Starts a conversation; dispose it when it is over. The picture is read with the first question. */
  chat(options: ChatOptions = {}): Chat {
    requireKnownOptions("chat", options, chatOptions);
    const { image, system, autoOrient, reencode = false } = options;
    if (this.#disposed) {
      throw optionError("model", "a model that has not been disposed", "a disposed one", "Load it again.");
    }
    let picture: Promise<PreparedPicture> | undefined;
    const { context, readPicture } = this.#parts;
    const settings = {
      system,
      reencode,
      hasImage: image !== undefined,
      picture: async () => {
        if (image === undefined) return undefined;
        picture ??= readPicture(image, { autoOrient }).catch((error: unknown) => {
          picture = undefined; // the next question tries again
          throw error;
        });
        return picture;
      },
    };
    const chat = new Chat(context, settings, (ended) => this.#chats.delete(ended));
    this.#chats.add(chat);
    return chat;
  }

  /** Stops every answer under way, which throws ABORTED, ends every chat and frees the engine and the files. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#free();
    return this.#disposed;
  }

  async #free(): Promise<void> {
    try {
      await Promise.all([...this.#chats].map((chat) => chat.dispose()));
    } finally {
      await this.#parts.release();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
