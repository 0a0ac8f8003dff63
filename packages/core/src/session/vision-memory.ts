import type { ImageTensors } from "../image/index.ts";
import { type Tensor, zeros } from "../tensor/index.ts";
import type { FusionEngine, ImageBase, ImageContext } from "./engine.ts";

/** A picture ready for the vision tower. */
export interface PreparedPicture extends ImageTensors {
  /** Equal for equal pictures. */
  readonly contentKey: string;
}

/** A picture as the language model takes it. */
export interface EncodedPicture {
  /** Guided by an instruction: [1, Pᵢ, D]. */
  readonly imageTokens: Tensor;
  /** Independent of every question. */
  readonly context: ImageContext;
}

/** How many pictures' contexts are remembered: a few megabytes each. */
const rememberedContexts = 8;
/** How many pictures' first halves are remembered: about a hundred megabytes each for an official tower. */
const rememberedBases = 2;

/**
 * Encodes pictures, remembering what does not depend on the question.
 *
 * The four sub-images see no text, so their latents and windows serve every further question about the same picture; under
 * `paper` semantics so does the first half of the whole image's way through the tower.
 */
export class VisionMemory {
  readonly #contexts = new Recent<ImageContext>(rememberedContexts);
  readonly #bases = new Recent<ImageBase>(rememberedBases);

  constructor(
    readonly engine: FusionEngine,
    readonly latents: number,
  ) {}

  async encodeImage(picture: PreparedPicture | undefined, instruction: readonly number[]): Promise<Tensor> {
    const { config } = this.engine;
    // A text-only sequence has no image rows; the graph's input stays, and nothing reads it.
    if (!picture) return zeros("float32", [1, config.imageGrid ** 2, config.language.hiddenSize]);
    const base = await this.#bases.get(picture.contentKey, () => this.engine.encodeImageBase(picture.wholeImage));
    return this.engine.encodeImage(base, instruction);
  }

  /** Text-only samples interact with the context of an all-zero picture, as in the reference. */
  encodeContext(picture: PreparedPicture | undefined): Promise<ImageContext> {
    const { imageSize: side } = this.engine.config.vision;
    return this.#contexts.get(picture?.contentKey ?? "no picture", () =>
      this.engine.encodeContext(picture?.subImages ?? zeros("float32", [4, 3, side, side]), this.latents),
    );
  }
}

/** Results by key; the one that was asked for longest ago goes first, a failed one at once. */
class Recent<T> {
  readonly #results = new Map<string, Promise<T>>();

  constructor(private readonly size: number) {}

  get(key: string, make: () => Promise<T>): Promise<T> {
    const result = this.#results.get(key) ?? make();
    this.#results.delete(key);
    this.#results.set(key, result);
    if (this.#results.size > this.size) this.#results.delete(this.#results.keys().next().value!);
    result.catch(() => {
      if (this.#results.get(key) === result) this.#results.delete(key);
    });
    return result;
  }
}
