import { FusionError, internalError } from "../errors/index.ts";
import type { ChatContext, Conversation, ConversationSettings, FinishedTurn } from "./chat-context.ts";
import type { Answer, AnswerPart, GenerationOptions } from "./options.ts";
import { Turn } from "./turn.ts";

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
  #busy = false;
  #disposed = false;

  constructor(context: ChatContext, settings: ConversationSettings, onDispose: (chat: Chat) => void = () => {}) {
    this.#context = context;
    this.#settings = settings;
    this.#onDispose = onDispose;
  }

  /** Questions and answers so far. */
  get turns(): readonly FinishedTurn[] {
    return this.#conversation.turns;
  }

  /** Asks the next question and waits for the whole answer. Throws as {@link stream}. */
  async send(question: string, options: GenerationOptions = {}): Promise<Answer> {
    for await (const part of this.stream(question, options)) {
      if (part.type !== "end") continue;
      const { type: _, ...answer } = part;
      return answer;
    }
    throw internalError("chat", "the stream ended without an end part");
  }

  /**
   * Asks the next question: text-delta parts as they are made, then one end part.
   *
   * @throws PROMPT_INVALID for a blank question; CONTEXT_EXCEEDED when it does not fit; OPTION_INVALID, also for a second
   *   question while one is being answered; ABORTED by the signal; errors of the picture
   */
  async *stream(question: string, options: GenerationOptions = {}): AsyncGenerator<AnswerPart, void, undefined> {
    if (this.#busy || this.#disposed) throw misuse(this.#disposed);
    this.#busy = true;
    const turn = new Turn(this.#context, this.#settings, this.#conversation);
    let finished = false;
    try {
      const { end, conversation } = yield* turn.run(question, options);
      this.#conversation = conversation;
      finished = true;
      yield end;
    } finally {
      if (!finished) await turn.abandon();
      this.#busy = false;
    }
  }

  /** Frees the cache. Later questions throw OPTION_INVALID. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#onDispose(this);
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
