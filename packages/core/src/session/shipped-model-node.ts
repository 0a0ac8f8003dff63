import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The name of the small trained model, which `@fusion-vlm/nano` holds. */
export const shippedModel = "nano";

const manifest = "@fusion-vlm/nano/package.json";

/** The folder of the model that `@fusion-vlm/nano` holds; undefined where neither this package nor the program has it. */
export function shippedModelFolder(): string | undefined {
  for (const from of [import.meta.url, join(process.cwd(), "package.json")]) {
    try {
      return join(dirname(createRequire(from).resolve(manifest)), "model");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  return undefined;
}
