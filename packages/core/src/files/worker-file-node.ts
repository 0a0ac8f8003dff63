import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FusionError } from "../errors/index.ts";

/**
 * Where a thread of this package has its code: beside the built chunks; from TypeScript sources, what the last build left in
 * dist.
 *
 * @param name - `engine` for engine-worker-node.js
 * @throws BACKEND_UNAVAILABLE when the file is not there
 */
export function workerFile(name: string): URL {
  const file = `${name}-worker-node.js`;
  const places = [`./${file}`, `../../dist/${file}`].map((place) => new URL(place, import.meta.url));
  const found = places.find((url) => existsSync(url));
  if (found) return found;
  throw new FusionError({
    code: "BACKEND_UNAVAILABLE",
    at: `${name} worker`,
    expected: `${file} beside the built package`,
    actual: `none at ${fileURLToPath(places[0]!)}`,
    hint: "Run `npm run build`, keep the file when you bundle, or pass worker: false.",
  });
}
