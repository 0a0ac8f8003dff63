// publint on every package, as npm would pack it. Needs dist.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packages, root, say } from "./lib/workspace.mjs";

/** True when publint has nothing to say about any package. */
export async function checkPublishing() {
  // Loaded here because the modules of a fresh clone are installed after this file was read.
  const [{ publint }, { formatMessage }] = await Promise.all([import("publint"), import("publint/utils")]);
  let ok = true;
  for (const { name } of packages) {
    const pkgDir = join(root, "packages", name);
    const manifest = JSON.parse(readFileSync(join(pkgDir, "package.json"), "utf8"));
    const { messages } = await publint({ pkgDir, pack: "npm", strict: true });
    for (const message of messages) say(`${manifest.name}: ${message.type}: ${formatMessage(message, manifest)}`);
    ok &&= messages.length === 0;
  }
  return ok;
}
