import type { ImageTensors } from "../image/index.ts";
import { type Tensor, zeros } from "../tensor/index.ts";
import type { FusionEngine, ImageContext } from "./engine.ts";

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

/** How many pictures' contexts are remembered. */
const remembered = 8;

/**
 * Encodes pictures, remembering what does not depend on the question.
 *
 * The four sub-images see no text, so their latents and windows serve every further question about the same picture;
 * the whole image is encoded anew with each instruction.
 */
export class VisionMemory {
  /** The one used longest ago is the first. */
  readonly #contexts = new Map<string, Promise<ImageContext>>();

  constructor(
    readonly engine: FusionEngine,
    readonly latents: number,
  ) {}

  encodeImage(picture: PreparedPicture | undefined, instruction: readonly number[]): Promise<Tensor> {
    const { config } = this.engine;
    // A text-only sequence has no image rows; the graph's input stays, and nothing reads it.
    if (!picture) return Promise.resolve(zeros("float32", [1, config.imageGrid ** 2, config.language.hiddenSize]));
    return this.engine.encodeImage(picture.wholeImage, instruction);
  }

  /** Text-only samples interact with the context of an all-zero picture, as in the reference. */
  encodeContext(picture: PreparedPicture | undefined): Promise<ImageContext> {
    const key = picture?.contentKey ?? "no picture";
    const context = this.#contexts.get(key) ?? this.#encode(key, picture);
    this.#contexts.delete(key);
    this.#contexts.set(key, context);
    if (this.#contexts.size > remembered) this.#contexts.delete(this.#contexts.keys().next().value!);
    return context;
  }

  #encode(key: string, picture: PreparedPicture | undefined): Promise<ImageContext> {
    const { imageSize: side } = this.engine.config.vision;
    const subImages = picture?.subImages ?? zeros("float32", [4, 3, side, side]);
    const context = this.engine.encodeContext(subImages, this.latents);
    context.catch(() => this.#contexts.delete(key));
    return context;
  }
}
