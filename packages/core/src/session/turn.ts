import { FusionError, internalError } from "../errors/index.ts";
import { type GenerationEnd, generateTokens, maxNewTokens, onText, onToken, sample } from "../generate/index.ts";
import type { Tensor } from "../tensor/index.ts";
import type { Segment } from "../text/index.ts";
import { answerSegment, type ChatContext, type Conversation, type ConversationSettings } from "./chat-context.ts";
import { KeyValueCache } from "./kv-cache.ts";
import type { AnswerDelta, AnswerEnd, GenerationOptions, Usage } from "./options.ts";
import { countRows, crossesRopeSwitch, layoutPrompt, type Prompt, planPrompt } from "./prompt.ts";
import { Stopwatch } from "./stopwatch.ts";
import type { PreparedPicture } from "./vision-memory.ts";

/** Rows that a fresh cache has beyond its prompt: room for most answers without growing. */
const answerRoom = 64;
const defaultMaxTokens = 256;

/** One question: runs it, and either hands over the conversation after it or leaves the one before it untouched. */
export class Turn {
  readonly #context: ChatContext;
  readonly #settings: ConversationSettings;
  readonly #before: Conversation;
  readonly #rowsBefore: number;
  readonly #watch = new Stopwatch();
  /** Answer tokens that have been run. */
  readonly #fed: number[] = [];
  #cache: KeyValueCache | undefined;
  #segments: readonly Segment[] = [];
  #imageTokens: Tensor | undefined;
  #step: Promise<unknown> = Promise.resolve();

  constructor(context: ChatContext, settings: ConversationSettings, before: Conversation) {
    this.#context = context;
    this.#settings = settings;
    this.#before = before;
    this.#cache = before.cache;
    this.#rowsBefore = before.cache?.length ?? 0;
    this.#imageTokens = before.imageTokens;
  }

  /** Yields text as it is made and returns the end part with the conversation after it. */
  async *run(
    question: string,
    options: GenerationOptions,
  ): AsyncGenerator<AnswerDelta, { end: AnswerEnd; conversation: Conversation }, undefined> {
    const { signal } = options;
    const generation = this.#generation(options);
    const prompt = planPrompt(this.#context, this.#settings, this.#before, question);
    throwIfAborted(signal);
    const picture = await this.#settings.picture();
    this.#watch.lap("image");
    const logits = await this.#runPrompt(prompt, picture, signal);

    const { tokenizer, contextLength } = this.#context;
    const room = contextLength - this.#cache!.length + 1; // the last token of an answer is never run
    const parts = generateTokens({
      ...generation,
      logits,
      stopWhen: [...generation.stopWhen, maxNewTokens(room)],
      history: this.#segments.flatMap((segment) => (segment.kind === "text" ? segment.ids : [])),
      textStream: tokenizer.createTextStream({ skipSpecial: true }),
      step: (token) => {
        const next = this.#append(token, picture);
        this.#step = next.catch(() => undefined);
        return next;
      },
    });
    let end: GenerationEnd | undefined;
    for await (const part of parts) {
      this.#watch.token();
      if (part.type === "end") end = part;
      else yield { type: "text-delta", text: part.text };
    }
    this.#watch.lap("decode");
    if (!end) throw internalError("chat", "generation ended without an end part");
    return { end: this.#end(prompt, end), conversation: await this.#finish(question, end) };
  }

  /** Undoes what was run: the conversation before this turn stays as it was. */
  async abandon(): Promise<void> {
    await this.#step; // an aborted generation does not wait for the step under way
    if (this.#cache === this.#before.cache) this.#cache?.truncate(this.#rowsBefore);
    else await this.#cache?.dispose();
  }

  #generation({ maxTokens = defaultMaxTokens, temperature = 0, stop = [], signal, ...rest }: GenerationOptions) {
    const { topK, topP, repetitionPenalty, seed } = rest;
    const stopTokens = onToken(...this.#context.stopTokens);
    return {
      sampler: sample({ temperature, topK, topP, repetitionPenalty, seed }),
      stopWhen: [maxNewTokens(maxTokens), stopTokens, ...(stop.length > 0 ? [onText(...stop)] : [])],
      signal,
    };
  }

  async #runPrompt(prompt: Prompt, picture: PreparedPicture | undefined, signal?: AbortSignal): Promise<Float32Array> {
    const { vision, engine } = this.#context;
    if (prompt.instruction) this.#imageTokens = await vision.encodeImage(picture, prompt.instruction);
    throwIfAborted(signal);
    const context = await vision.encodeContext(picture);
    this.#watch.lap("vision");
    throwIfAborted(signal);
    this.#segments = prompt.onCache ? [...this.#before.segments, ...prompt.segments] : prompt.segments;
    const logits = prompt.onCache
      ? await engine.extend(prompt.layout, context, this.#cache!)
      : await this.#prefill(prompt.layout, picture);
    this.#watch.lap("prefill");
    throwIfAborted(signal);
    return logits;
  }

  /** Runs a whole sequence into a new cache, which takes the place of the current one. */
  async #prefill(layout: Prompt["layout"], picture: PreparedPicture | undefined): Promise<Float32Array> {
    const { engine, vision } = this.#context;
    const context = await vision.encodeContext(picture);
    const cache = await KeyValueCache.allocate(engine.backend, engine.config.language, layout.length + answerRoom);
    if (this.#cache !== this.#before.cache) await this.#cache?.dispose();
    this.#cache = cache;
    return engine.prefill(layout, this.#imageTokens!, context, cache);
  }

  /** One token; where it crosses longrope's switch, everything again with the long frequencies, as transformers does. */
  async #append(token: number, picture: PreparedPicture | undefined): Promise<Float32Array> {
    this.#fed.push(token);
    const cache = this.#cache!;
    if (!crossesRopeSwitch(this.#context, cache.length, 1)) return this.#context.engine.decode(token, cache);
    const layout = layoutPrompt(this.#context, this.#settings, [...this.#segments, answerSegment(this.#fed)]);
    return this.#prefill(layout, picture);
  }

  #end(prompt: Prompt, { text, tokens, finishReason }: GenerationEnd): AnswerEnd {
    const usage: Usage = {
      promptTokens: prompt.layout.length,
      imageTokens: countRows(this.#context, prompt.segments, "image"),
      latentTokens: countRows(this.#context, prompt.segments, "latent"),
      outputTokens: tokens.length,
      cachedTokens: prompt.onCache ? this.#rowsBefore : 0,
      instructionTruncated: prompt.instructionTruncated,
    };
    return { type: "end", text, tokens, finishReason, usage, timing: this.#watch.timing() };
  }

  async #finish(question: string, { text, tokens, stop }: GenerationEnd): Promise<Conversation> {
    if (this.#cache !== this.#before.cache) await this.#before.cache?.dispose();
    const written = stop && "token" in stop ? tokens.slice(0, -1) : tokens;
    return {
      turns: [...this.#before.turns, { question, answer: text }],
      segments: this.#fed.length > 0 ? [...this.#segments, answerSegment(this.#fed)] : this.#segments,
      pending: written.slice(this.#fed.length),
      imageTokens: this.#imageTokens,
      cache: this.#cache,
    };
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new FusionError({
    code: "ABORTED",
    at: "question",
    message: "question: stopped by its abort signal",
    hint: "Nothing is wrong; raise the time limit if it came too early.",
    cause: signal.reason,
  });
}
