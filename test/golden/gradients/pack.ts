/**
 * Makes the fixtures of this folder from the full reference folders; see README.md.
 *
 *   npx jiti test/golden/gradients/pack.ts SOURCE
 *
 * SOURCE holds A_phi_siglip2 and B_llama_siglip as the Python reference wrote them.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { pack } from "../model/pack-format.ts";

const recorded = /_(grads_strided|grads_full_subset|adamw\d+_params)\.safetensors$/;

const source = process.argv[2];
if (!source) throw new Error("usage: npx jiti test/golden/gradients/pack.ts SOURCE");
const here = dirname(fileURLToPath(import.meta.url));

for (const folder of ["A_phi_siglip2", "B_llama_siglip"]) {
  mkdirSync(join(here, folder), { recursive: true });
  const files = readdirSync(join(source, folder)).filter((file) => recorded.test(file));
  const contents = files.sort().map((file) => [file, readFileSync(join(source, folder, file))] as const);
  writeFileSync(join(here, folder, "tensors.pack.br"), pack(new Map(contents)));
  const { variants } = JSON.parse(readFileSync(join(source, folder, "results.json"), "utf8"));
  const training = Object.entries<Record<string, unknown>>(variants).map(([name, { grad_norms, adamw }]) => {
    return [name, { grad_norms, adamw }];
  });
  writeFileSync(
    join(here, folder, "training.json.br"),
    brotliCompressSync(JSON.stringify(Object.fromEntries(training))),
  );
}
