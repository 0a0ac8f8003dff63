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
import { pack, splitSafetensors } from "./pack-format.ts";

/** Tensors that are left out, by file: what the other files of the same model check in the same way. */
const leftOut: Readonly<Record<string, RegExp>> = {
  "B_llama_siglip/released_q64.safetensors":
    /^llm\.(layer\d+\.(pre|sampler\..+)|final_norm|logits|inputs_embeds_rows|rows|rows_valid)$/,
};

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
    else packed.set(file, without(readFileSync(path), leftOut[`${folder}/${file}`]));
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

/** A safetensors file without the tensors whose names match. */
function without(file: Buffer, names: RegExp | undefined): Buffer {
  if (!names) return file;
  const { header, dataStart } = splitSafetensors(file);
  const kept = Object.entries(header).filter(([name]) => !names.test(name));
  const parts: Buffer[] = [];
  let offset = 0;
  const spans = kept.map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => {
      parts.push(file.subarray(dataStart + from, dataStart + to));
      offset += to - from;
      return [name, { dtype, shape, data_offsets: [offset - (to - from), offset] }];
    },
  );
  const text = JSON.stringify(Object.fromEntries(spans));
  const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...parts]);
}
