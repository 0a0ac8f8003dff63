import { realpath, stat } from "node:fs/promises";
import { isAbsolute, resolve, sep, win32 } from "node:path";
import { datasetError } from "./dataset-error.ts";

/** Finds the pictures that records name; all of them lie in one folder. */
export class PicturePaths {
  readonly #root: string;
  readonly #known = new Map<string, string>();

  private constructor(root: string) {
    this.#root = root;
  }

  /** @throws when the folder is not there */
  static async in(folder: string): Promise<PicturePaths> {
    const isFolder = await stat(folder).then(
      (facts) => facts.isDirectory(),
      () => false,
    );
    if (isFolder) return new PicturePaths(await realpath(folder));
    throw datasetError({
      at: folder,
      expected: "the folder that the pictures lie in",
      actual: "no folder",
      hint: "Name it by --images, or under images in the mixing file.",
    });
  }

  /** Different pictures seen so far. */
  get count(): number {
    return this.#known.size;
  }

  /**
   * The real path of a picture.
   *
   * @throws for a path that leads out of the folder, also by links, and for a picture that is not there
   */
  async find(image: string, at: string): Promise<string> {
    const known = this.#known.get(image);
    if (known !== undefined) return known;
    const path = resolve(this.#root, image);
    if (isAbsolute(image) || win32.isAbsolute(image) || !this.#holds(path)) throw this.#outside(image, at);
    const real = await realpath(path).catch((cause: NodeJS.ErrnoException) => {
      throw datasetError({
        at: `${at}, image`,
        expected: `the picture ${path}`,
        actual: cause.code === "ENOENT" ? "nothing at this path" : String(cause.code ?? cause),
        hint: "Check the path, or name the folder that the pictures lie in by --images.",
        cause,
      });
    });
    if (!this.#holds(real)) throw this.#outside(image, at);
    if (!(await stat(real)).isFile()) {
      const hint = "Name the file of one picture.";
      throw datasetError({ at: `${at}, image`, expected: "a picture file", actual: `${image}, which is none`, hint });
    }
    this.#known.set(image, real);
    return real;
  }

  #holds(path: string): boolean {
    return path.startsWith(this.#root.endsWith(sep) ? this.#root : this.#root + sep);
  }

  #outside(image: string, at: string) {
    return datasetError({
      at: `${at}, image`,
      expected: `a path inside ${this.#root}`,
      actual: image,
      hint: "Write paths relative to the data file, or name the folder that all pictures lie in by --images.",
    });
  }
}
