import type { Backend, StateTensor, StateWrite } from "../backends/index.ts";
import { type LanguageConfig, pastKeyName, pastValueName, presentKeyName, presentValueName } from "../fusion/index.ts";
import { int64, type Tensor } from "../tensor/index.ts";

/** Rows that a cache grows by at least: each growth copies what is there once. */
const growthStep = 256;

interface LayerState {
  key: StateTensor;
  value: StateTensor;
}

/**
 * Keys and values of every decoder layer, held by the engine with a fixed capacity that grows in steps.
 *
 * Keys lie transposed, [1, K, H, C]; values [1, K, C, H]. A call reads the whole capacity without a copy and writes only
 * the rows it made.
 */
export class KeyValueCache {
  #length = 0;

  readonly #layers: LayerState[];
  #capacity: number;

  private constructor(layers: LayerState[], capacity: number) {
    this.#layers = layers;
    this.#capacity = capacity;
  }

  static async allocate(backend: Backend, config: LanguageConfig, capacity: number): Promise<KeyValueCache> {
    const { layers, keyValueHeads, headDim } = config;
    const states: StateTensor[] = [];
    try {
      for (let layer = 0; layer < layers; layer++) {
        states.push(await backend.allocate("float32", [1, keyValueHeads, headDim, capacity]));
        states.push(await backend.allocate("float32", [1, keyValueHeads, capacity, headDim]));
      }
    } catch (error) {
      for (const state of states) await state.dispose();
      throw error;
    }
    const pair = (layer: number) => ({ key: states[2 * layer]!, value: states[2 * layer + 1]! });
    return new KeyValueCache(
      Array.from({ length: layers }, (_, layer) => pair(layer)),
      capacity,
    );
  }

  /** Rows that are filled. */
  get length(): number {
    return this.#length;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** The inputs of a graph that reads this cache. */
  feeds(): Record<string, Tensor | StateTensor> {
    const feeds: Record<string, Tensor | StateTensor> = { past_lengths: int64([1], [this.#length]) };
    this.#layers.forEach(({ key, value }, layer) => {
      feeds[pastKeyName(layer)] = key;
      feeds[pastValueName(layer)] = value;
    });
    return feeds;
  }

  /** Where a run's new rows go: behind the filled ones. Call {@link reserve} first and {@link advance} afterwards. */
  writes(): Record<string, StateWrite> {
    const writes: Record<string, StateWrite> = {};
    this.#layers.forEach(({ key, value }, layer) => {
      writes[presentKeyName(layer)] = { into: key, axis: 3, offset: this.#length };
      writes[presentValueName(layer)] = { into: value, axis: 2, offset: this.#length };
    });
    return writes;
  }

  /** Makes room for `rows` more. */
  async reserve(rows: number): Promise<void> {
    const needed = this.#length + rows;
    if (needed <= this.#capacity) return;
    const capacity = Math.ceil(needed / growthStep) * growthStep;
    this.#capacity = 0; // should the memory end half way, the next call makes all layers equal
    for (const layer of this.#layers) {
      layer.key = await layer.key.resize(3, capacity);
      layer.value = await layer.value.resize(2, capacity);
    }
    this.#capacity = capacity;
  }

  /** Counts rows that a run has written. */
  advance(rows: number): void {
    this.#length += rows;
  }

  /** Forgets everything behind the first `length` rows. */
  truncate(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  async dispose(): Promise<void> {
    for (const { key, value } of this.#layers) {
      await key.dispose();
      await value.dispose();
    }
  }
}
