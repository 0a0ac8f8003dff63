import { FusionError } from "../errors/index.ts";
import { linkedController } from "./abort.ts";
import type { ChatContext, Conversation, ConversationSettings, FinishedTurn } from "./chat-context.ts";
import { requireKnownOptions } from "./known-options.ts";
import { type Answer, type AnswerEnd, type AnswerPart, type GenerationOptions, generationOptions } from "./options.ts";
import { Turn } from "./turn.ts";
import { wholeAnswer } from "./whole-answer.ts";

/**
 * A conversation about at most one picture.
 *
 * A later turn runs on top of the cache: its own latent tokens, its own question; the image tokens of the first turn
 * stay (paper C.2). A turn that fails, is aborted or is abandoned leaves the chat as it was before.
 */
export class Chat {
  readonly #context: ChatContext;
  readonly #settings: ConversationSettings;
  readonly #onDispose: (chat: Chat) => void;
  #conversation: Conversation = { turns: [], segments: [], pending: [] };
  #running: { readonly turn: Turn; readonly controller: AbortController } | undefined;
  #disposed: Promise<void> | undefined;

  constructor(context: ChatContext, settings: ConversationSettings, onDispose: (chat: Chat) => void = () => {}) {
    this.#context = context;
    this.#settings = settings;
    this.#onDispose = onDispose;
  }

  /** Questions and answers so far. */
  get turns(): readonly FinishedTurn[] {
    return this.#conversation.turns;
  }

  /** Reads the picture now instead of with the first question. Throws what is wrong with it. */
  async readPicture(): Promise<void> {
    await this.#settings.picture();
  }

  /** Asks the next question and waits for the whole answer. Throws as {@link stream}. */
  send(question: string, options: GenerationOptions = {}): Promise<Answer> {
    return wholeAnswer(this.stream(question, options));
  }

  /**
   * Asks the next question: text-delta parts as they are made, then one end part.
   *
   * Leaving the loop early, like an abort, takes the question back. Both wait for the engine call under way.
   *
   * @throws PROMPT_INVALID for a blank question; CONTEXT_EXCEEDED when it does not fit; OPTION_INVALID, also for a second
   *   question while one is being answered; ABORTED by the signal or by dispose; errors of the picture
   */
  async *stream(question: string, options: GenerationOptions = {}): AsyncGenerator<AnswerPart, void, undefined> {
    requireKnownOptions("a question", options, generationOptions);
    if (this.#running || this.#disposed) throw misuse(this.#disposed !== undefined);
    const { controller, unlink } = linkedController(options.signal);
    const turn = new Turn(this.#context, this.#settings, this.#conversation, controller.signal);
    this.#running = { turn, controller };
    let end: AnswerEnd | undefined;
    try {
      const finished = yield* turn.run(question, options);
      this.#conversation = finished.conversation;
      end = finished.end;
    } catch (error) {
      throw this.#disposed ? disposedWhileAnswering(error) : error;
    } finally {
      unlink();
      try {
        if (!end) await turn.abandon();
      } finally {
        this.#running = undefined;
      }
    }
    yield end;
  }

  /** Stops the answer under way, which throws ABORTED, and frees the cache. Later questions throw OPTION_INVALID. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#free();
    return this.#disposed;
  }

  async #free(): Promise<void> {
    this.#onDispose(this);
    this.#running?.controller.abort();
    await this.#running?.turn.abandon();
    await this.#conversation.cache?.dispose();
  }
}

function misuse(disposed: boolean): FusionError {
  return new FusionError({
    code: "OPTION_INVALID",
    at: "chat",
    expected: disposed ? "a chat that has not been disposed" : "one question at a time",
    actual: disposed ? "a disposed one" : "a question while another is being answered",
    hint: disposed ? "Start a new chat." : "Wait for the answer, or start another chat for a parallel question.",
  });
}

function disposedWhileAnswering(cause: unknown): FusionError {
  return new FusionError({
    code: "ABORTED",
    at: "chat",
    message: "chat: disposed while it was answering",
    hint: "Wait for the answer before you dispose the chat or its model.",
    cause,
  });
}
