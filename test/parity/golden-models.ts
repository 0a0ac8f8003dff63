import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { unpack } from "../golden/model/pack-format.ts";

const golden = fileURLToPath(new URL("../golden/model", import.meta.url));
const gradients = fileURLToPath(new URL("../golden/gradients", import.meta.url));
const models = ["A_phi_siglip2", "B_llama_siglip"];

/** The golden models as plain folders, which are models and reference folders at once. */
export interface GoldenModels {
  /** fusion_phi with a SigLIP2 tower. */
  readonly phi: string;
  /** fusion_llama with a SigLIP tower. */
  readonly llama: string;
  /** A copy to break: files under `folder` replaced by text or bytes, or removed by `undefined`. */
  changed(folder: string, files: Readonly<Record<string, string | Uint8Array | undefined>>): Promise<string>;
  /** Deletes everything, copies included. */
  remove(): Promise<void>;
}

/**
 * Unpacks test/golden/model into a new temporary folder.
 *
 * @param options.withGradients - also what test/golden/gradients holds
 */
export async function unpackGoldenModels({ withGradients = false } = {}): Promise<GoldenModels> {
  const root = await mkdtemp(join(tmpdir(), "fusion-golden-"));
  await cp(golden, root, { recursive: true, filter: (path) => !path.endsWith(".ts") && !path.endsWith(".md") });
  for (const folder of ["common", ...models]) {
    await unpackInto(join(root, folder), join(root, folder, "tensors.pack.br"));
    await rm(join(root, folder, "tensors.pack.br"));
  }
  if (withGradients) {
    for (const folder of models) {
      await unpackInto(join(root, folder), join(gradients, folder, "tensors.pack.br"));
      await addTraining(join(root, folder, "results.json"), join(gradients, folder, "training.json.br"));
    }
  }
  return {
    phi: join(root, "A_phi_siglip2"),
    llama: join(root, "B_llama_siglip"),
    changed: async (folder, files) => {
      const copy = await mkdtemp(`${folder}-`); // beside the original, so that ../common stays in reach
      await cp(folder, copy, { recursive: true });
      for (const [file, content] of Object.entries(files)) {
        await mkdir(dirname(join(copy, file)), { recursive: true });
        if (content === undefined) await rm(join(copy, file));
        else await writeFile(join(copy, file), content);
      }
      return copy;
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

async function unpackInto(folder: string, packed: string): Promise<void> {
  for (const [name, bytes] of unpack(await readFile(packed))) await writeFile(join(folder, name), bytes);
}

/** Adds `grad_norms` and `adamw` to the variants of a results.json. */
async function addTraining(path: string, training: string): Promise<void> {
  const results = JSON.parse(await readFile(path, "utf8"));
  const recorded = JSON.parse(brotliDecompressSync(await readFile(training)).toString("utf8"));
  for (const [name, variant] of Object.entries(recorded)) Object.assign(results.variants[name], variant);
  await writeFile(path, JSON.stringify(results));
}
