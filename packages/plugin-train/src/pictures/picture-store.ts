import {
  type ImageTensors,
  inlinePreparer,
  type PicturePreparer,
  type PrepareOptions,
  picturePreparer,
} from "@fusion-vlm/core";
import { type PackedPicture, packedBytes, packPicture, unpackPicture } from "./packed-picture.ts";

export interface PictureStoreOptions {
  readonly prepare: PrepareOptions;
  /** Prepared pictures kept for the next epoch, in bytes. */
  readonly cacheBytes: number;
  /** Threads that decode and resize; 0 for the calling thread. */
  readonly threads: number;
}

/** Pictures as model inputs, prepared side by side; those used last are kept. */
export class PictureStore {
  readonly #options: PictureStoreOptions;
  readonly #preparers: readonly PicturePreparer[];
  /** Least recently used first. */
  readonly #kept = new Map<string, PackedPicture>();
  readonly #underWay = new Map<string, Promise<PackedPicture>>();
  #keptBytes = 0;
  #turn = 0;

  constructor(options: PictureStoreOptions) {
    this.#options = options;
    const { threads } = options;
    this.#preparers = threads === 0 ? [inlinePreparer()] : Array.from({ length: threads }, () => picturePreparer());
  }

  /** Bytes kept at the moment. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Throws as `prepareImage`. */
  async get(path: string): Promise<ImageTensors> {
    const kept = this.#kept.get(path);
    if (kept) {
      this.#kept.delete(path);
      this.#kept.set(path, kept);
      return unpackPicture(kept, this.#options.prepare);
    }
    let picture = this.#underWay.get(path);
    if (!picture) {
      picture = this.#prepare(path).finally(() => this.#underWay.delete(path));
      this.#underWay.set(path, picture);
    }
    return unpackPicture(await picture, this.#options.prepare);
  }

  async dispose(): Promise<void> {
    this.#kept.clear();
    await Promise.all(this.#preparers.map((preparer) => preparer.dispose()));
  }

  async #prepare(path: string): Promise<PackedPicture> {
    const preparer = this.#preparers[this.#turn++ % this.#preparers.length]!;
    const picture = packPicture(await preparer.prepare(path, this.#options.prepare), this.#options.prepare);
    this.#keep(path, picture);
    return picture;
  }

  #keep(path: string, picture: PackedPicture): void {
    const { cacheBytes } = this.#options;
    const bytes = packedBytes(picture);
    if (bytes > cacheBytes) return;
    for (const [oldest, old] of this.#kept) {
      if (this.#keptBytes + bytes <= cacheBytes) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= packedBytes(old);
    }
    this.#kept.set(path, picture);
    this.#keptBytes += bytes;
  }
}
