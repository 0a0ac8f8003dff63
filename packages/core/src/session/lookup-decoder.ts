import { lookUp } from "../generate/index.ts";
import type { FusionEngine } from "./engine.ts";
import type { KeyValueCache } from "./kv-cache.ts";

/** Times that a row has to be timed before its mean counts. */
const enough = 3;
/** Questions of one model share what was learnt; what is older counts less with each new time. */
const memory = 0.9;

/** Milliseconds of runs over one row and over several, and how many tokens the latter were good for. */
export class LookupGain {
  readonly #single = new Mean();
  readonly #several = new Mean();
  readonly #tokens = new Mean();

  addSingle(milliseconds: number): void {
    this.#single.add(milliseconds);
  }

  /** @param tokens - of the answer that the run has given: the draft's right ones and one more */
  addSeveral(milliseconds: number, tokens: number): void {
    this.#several.add(milliseconds);
    this.#tokens.add(tokens);
  }

  /** False once runs over several rows have cost more time than the tokens they gave were worth. */
  get isWorthwhile(): boolean {
    const [single, several, tokens] = [this.#single, this.#several, this.#tokens];
    if (single.count < enough || several.count < enough) return true;
    return several.value < single.value * tokens.value;
  }
}

class Mean {
  count = 0;
  value = 0;

  add(value: number): void {
    this.count += 1;
    this.value += (value - this.value) * Math.max(1 / this.count, 1 - memory);
  }
}

/**
 * Appends tokens to a cache, several at a time where the answer repeats what stood before.
 *
 * A draft of the next tokens, looked up in the sequence, is run together with the token that is certain. Each score of the run is
 * that of its row alone, so whoever chooses tokens by them chooses the same ones: a draft that was right saves a run, a wrong
 * one costs its rows, which the next run overwrites.
 */
export class LookupDecoder {
  /** Drafted tokens whose rows are in the cache but not counted, with the scores behind them. */
  #ahead: { readonly token: number; readonly logits: Float32Array }[] = [];
  #run: { readonly milliseconds: number; tokens: number } | undefined;

  constructor(
    private readonly engine: FusionEngine,
    private readonly cache: KeyValueCache,
    private readonly gain: LookupGain,
    /** Whether so many rows may be run at once. */
    private readonly hasRoom: (rows: number) => boolean,
  ) {}

  /**
   * Appends a token; the scores [V] of the next one.
   *
   * @param history - ids of the sequence, the token included
   */
  async step(token: number, history: readonly number[]): Promise<Float32Array> {
    const [next] = this.#ahead;
    if (next?.token === token) {
      this.#ahead.shift();
      this.cache.advance(1);
      if (this.#run) this.#run.tokens += 1;
      return next.logits;
    }
    this.#ahead = [];
    this.#settle();
    return this.#append(token, this.#draft(history));
  }

  #draft(history: readonly number[]): readonly number[] {
    if (!this.gain.isWorthwhile) return [];
    const draft = lookUp(history);
    return this.hasRoom(1 + draft.length) ? draft : [];
  }

  async #append(token: number, draft: readonly number[]): Promise<Float32Array> {
    const started = performance.now();
    if (draft.length === 0) {
      const logits = await this.engine.decode(token, this.cache);
      this.gain.addSingle(performance.now() - started);
      return logits;
    }
    const [logits, ...later] = await this.engine.verify([token, ...draft], this.cache);
    this.#run = { milliseconds: performance.now() - started, tokens: 1 };
    this.#ahead = draft.map((drafted, index) => ({ token: drafted, logits: later[index]! }));
    return logits!;
  }

  /** How a run over several rows turned out is known when the next one begins. */
  #settle(): void {
    if (this.#run) this.gain.addSeveral(this.#run.milliseconds, this.#run.tokens);
    this.#run = undefined;
  }
}
