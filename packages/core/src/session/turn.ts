import { internalError, throwIfAborted } from "../errors/index.ts";
import { type GenerationEnd, generateTokens, maxNewTokens } from "../generate/index.ts";
import type { Segment } from "../text/index.ts";
import { answerSegment, type ChatContext, type Conversation, type ConversationSettings } from "./chat-context.ts";
import { generationRules } from "./generation-rules.ts";
import { KeyValueCache } from "./kv-cache.ts";
import { LookupDecoder } from "./lookup-decoder.ts";
import type { AnswerDelta, AnswerEnd, GenerationOptions, Usage } from "./options.ts";
import { countRows, crossesRopeSwitch, layoutPrompt, type Prompt, planPrompt } from "./prompt.ts";
import { Stopwatch } from "./stopwatch.ts";
import type { EncodedPicture } from "./vision-memory.ts";

/** Rows that a fresh cache has beyond its prompt: room for most answers without growing. */
const answerRoom = 64;

/** One question: runs it, and either hands over the conversation after it or leaves the one before it untouched. */
export class Turn {
  readonly #context: ChatContext;
  readonly #settings: ConversationSettings;
  readonly #before: Conversation;
  readonly #rowsBefore: number;
  readonly #signal: AbortSignal;
  readonly #watch = new Stopwatch();
  /** Answer tokens that have been run. */
  readonly #fed: number[] = [];
  #cache: KeyValueCache | undefined;
  #lookup: LookupDecoder | undefined;
  #segments: readonly Segment[] = [];
  #picture: EncodedPicture | undefined;
  /** The engine's work under way, or its last; never rejects. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(context: ChatContext, settings: ConversationSettings, before: Conversation, signal: AbortSignal) {
    this.#context = context;
    this.#settings = settings;
    this.#before = before;
    this.#cache = before.cache;
    this.#rowsBefore = before.cache?.length ?? 0;
    this.#picture = before.picture;
    this.#signal = signal;
  }

  /** Yields text as it is made and returns the end part with the conversation after it. */
  async *run(
    question: string,
    options: GenerationOptions,
  ): AsyncGenerator<AnswerDelta, { end: AnswerEnd; conversation: Conversation }, undefined> {
    const { tokenizer, contextLength, stopTokens } = this.#context;
    const { sampler, stopWhen } = generationRules(options, stopTokens);
    const prompt = planPrompt(this.#context, this.#settings, this.#before, question);
    if (prompt.instruction) this.#picture = await this.#encodePicture(prompt.instruction);
    const logits = await this.#exclusive(() => this.#runPrompt(prompt));
    this.#watch.lap("prefill");

    const room = contextLength - this.#cache!.length + 1; // the last token of an answer is never run
    // Output tables are padded beyond the vocabulary: those rows stand for no token and are never chosen.
    const ofTokens = (scores: Float32Array) => scores.subarray(0, tokenizer.vocabSize);
    const parts = generateTokens({
      logits: ofTokens(logits),
      sampler,
      stopWhen: [...stopWhen, maxNewTokens(room)],
      signal: this.#signal,
      history: this.#history(),
      textStream: tokenizer.createTextStream({ skipSpecial: true }),
      step: (token) => {
        this.#watch.token();
        return this.#exclusive(() => this.#append(token, options.lookup ?? true)).then(ofTokens);
      },
    });
    let end: GenerationEnd | undefined;
    for await (const part of parts) {
      this.#watch.token();
      this.#watch.lap("decode");
      if (part.type === "end") end = part;
      else yield { type: "text-delta", text: part.text };
      this.#watch.skip(); // whoever reads takes his own time
    }
    if (!end) throw internalError("chat", "generation ended without an end part");
    return { end: this.#end(prompt, end), conversation: await this.#finish(question, end) };
  }

  /** Undoes what was run: the conversation before this turn is as it was. May be called more than once. */
  async abandon(): Promise<void> {
    await this.#work;
    // Also where another cache took its place: by then it may have got rows of this turn.
    this.#before.cache?.truncate(this.#rowsBefore);
    const own = this.#cache;
    this.#cache = this.#before.cache;
    if (own !== this.#before.cache) await own?.dispose();
  }

  /** Engine work that writes to the cache, or costs much: none begins after an abort, and `abandon` waits for it. */
  async #exclusive<T>(work: () => Promise<T>): Promise<T> {
    throwIfAborted(this.#signal, "question");
    const running = work();
    this.#work = running.catch(() => undefined);
    const result = await running;
    throwIfAborted(this.#signal, "question");
    return result;
  }

  async #encodePicture(instruction: readonly number[]): Promise<EncodedPicture> {
    const { vision } = this.#context;
    throwIfAborted(this.#signal, "question");
    const picture = await this.#settings.picture();
    this.#watch.lap("image");
    const imageTokens = await this.#exclusive(() => vision.encodeImage(picture, instruction));
    const context = await this.#exclusive(() => vision.encodeContext(picture));
    this.#watch.lap("vision");
    return { imageTokens, context };
  }

  #runPrompt({ layout, segments, onCache }: Prompt): Promise<Float32Array> {
    this.#segments = onCache ? [...this.#before.segments, ...segments] : segments;
    if (!onCache) return this.#prefill(layout);
    return this.#context.engine.extend(layout, this.#picture!.context, this.#cache!);
  }

  /** Runs a whole sequence into a new cache, which takes the place of the current one. */
  async #prefill(layout: Prompt["layout"]): Promise<Float32Array> {
    const { engine } = this.#context;
    const { imageTokens, context } = this.#picture!;
    const cache = await KeyValueCache.allocate(engine.backend, engine.config.language, layout.length + answerRoom);
    const previous = this.#cache;
    this.#cache = cache;
    if (previous !== this.#before.cache) await previous?.dispose();
    return engine.prefill(layout, imageTokens, context, cache);
  }

  /** One token; where it crosses longrope's switch, everything again with the long frequencies, as transformers does. */
  #append(token: number, lookup: boolean): Promise<Float32Array> {
    this.#fed.push(token);
    const { engine, lookupGain, contextLength } = this.#context;
    const cache = this.#cache!;
    if (!crossesRopeSwitch(this.#context, cache.length, 1)) {
      if (!lookup || !engine.canVerify) return engine.decode(token, cache);
      this.#lookup ??= new LookupDecoder(engine, cache, lookupGain, (rows) => {
        const isWithin = cache.length + rows <= contextLength;
        return isWithin && !crossesRopeSwitch(this.#context, cache.length, rows);
      });
      return this.#lookup.step(token, this.#history());
    }
    this.#lookup = undefined;
    return this.#prefill(layoutPrompt(this.#context, this.#settings, [...this.#segments, answerSegment(this.#fed)]));
  }

  /** Ids of the sequence so far. */
  #history(): readonly number[] {
    return [...this.#segments.flatMap((segment) => (segment.kind === "text" ? segment.ids : [])), ...this.#fed];
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
    const turns = [...this.#before.turns, { question, answer: text }];
    if (this.#settings.reencode) {
      // Every turn starts anew, so what this one has run serves nobody.
      await this.#cache?.dispose();
      return { turns, segments: [], pending: [] };
    }
    const written = stop && "token" in stop ? tokens.slice(0, -1) : tokens;
    return {
      turns,
      segments: this.#fed.length > 0 ? [...this.#segments, answerSegment(this.#fed)] : this.#segments,
      pending: written.slice(this.#fed.length),
      picture: this.#picture,
      cache: this.#cache,
    };
  }
}
