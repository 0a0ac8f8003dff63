/**
 * Makes the fixtures of this folder from the full reference folders; see README.md.
 *
 *   npx jiti test/golden/model/pack.ts SOURCE
 *
 * SOURCE holds A_phi_siglip2, B_llama_siglip and common as the Python reference wrote them.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { pack } from "./pack-format.ts";

/** Gradients and optimiser steps, which ../gradients holds. */
const unusedFiles = /_(grads_strided|grads_full_subset|adamw3_params)\.safetensors$/;

const source = process.argv[2];
if (!source) throw new Error("usage: npx jiti test/golden/model/pack.ts SOURCE");
const here = dirname(fileURLToPath(import.meta.url));

for (const folder of ["common", "A_phi_siglip2", "B_llama_siglip"]) {
  mkdirSync(join(here, folder), { recursive: true });
  const packed = new Map<string, Buffer>();
  for (const file of readdirSync(join(source, folder)).sort()) {
    const path = join(source, folder, file);
    if (unusedFiles.test(file)) continue;
    if (file === "results.json") writeResults(path, join(here, folder, file));
    else if (file === "inputs.safetensors" || file.endsWith(".json"))
      writeFileSync(join(here, folder, file), readFileSync(path));
    else packed.set(file, readFileSync(path));
  }
  writeFileSync(join(here, folder, "tensors.pack.br"), pack(packed));
}

/** Without the records of training, which make up nine tenths of the file. */
function writeResults(from: string, to: string): void {
  const training = [
    "grad_norms",
    "f64_losses",
    "fp32_vs_f64_max_abs_diff",
    "fp32_vs_f64_rel_grad_diff",
    "f64_adamw_losses",
    "adamw",
  ];
  const text = JSON.stringify(JSON.parse(readFileSync(from, "utf8")), (key, value) =>
    training.includes(key) ? undefined : value,
  );
  writeFileSync(to, `${text}\n`);
}
