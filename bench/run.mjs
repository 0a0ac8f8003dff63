// npm run bench [-- --json] [-- --only nano] : how fast each part is on this machine, beside what bounds it.
//
// Figures are wall-clock medians of one run; compare ratios, not machines. Random weights are made in a temporary folder
// (4 GB for bench-1b) and removed.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { initModel, nodeBackend, presetNames } from "@fusion-vlm/core";
import { benchInference } from "./inference.mjs";
import { matmulPeak, streamPeak } from "./peak.mjs";

const usage = `npm run bench [-- --json] [-- --only PRESET]

  --json         one JSON document instead of tables
  --only PRESET  measure this preset, repeatable; default: nano and bench-1b (which writes 4 GB to a temporary folder)
  --help         show this

Presets: ${presetNames.join(", ")}`;
const flags = readFlags();
const presets = flags.only ?? ["nano", "bench-1b"];

const backend = await nodeBackend({ device: "cpu", worker: false });
const peaks = { flops: await matmulPeak(backend), bytes: await streamPeak(backend) };
await backend.dispose();

const models = [];
for (const preset of presets) {
  const folder = await mkdtemp(join(tmpdir(), "fusion-bench-"));
  try {
    process.stderr.write(`bench: writing ${preset} …\n`);
    await initModel({ preset, folder });
    process.stderr.write(`bench: measuring ${preset} …\n`);
    models.push({ preset, ...(await benchInference(folder, peaks)), folder: undefined });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (flags.json) process.stdout.write(`${JSON.stringify({ peaks, models }, null, 2)}\n`);
else print();

function readFlags() {
  const types = { json: { type: "boolean" }, only: { type: "string", multiple: true }, help: { type: "boolean" } };
  try {
    const { values } = parseArgs({ options: types });
    if (values.help) {
      process.stdout.write(`${usage}\n`);
      process.exit(0);
    }
    const unknown = values.only?.find((preset) => !presetNames.includes(preset));
    if (unknown === undefined) return values;
    process.stderr.write(`bench: there is no preset ${unknown}\n\n${usage}\n`);
  } catch (error) {
    process.stderr.write(`bench: ${error.message}\n\n${usage}\n`);
  }
  process.exit(2);
}

function print() {
  const out = [`float32 matmul peak ${giga(peaks.flops)} GFLOP/s · memory stream ${giga(peaks.bytes)} GB/s`];
  const columns = ["part", "ms", "GFLOP", "GFLOP/s", "GB", "GB/s", "of bound"];
  for (const { preset, parameters, latents, rows } of models) {
    const lines = rows.map((row) => [
      row.part,
      (row.seconds * 1000).toFixed(2),
      giga(row.flops),
      giga(row.flopsPerSecond),
      giga(row.bytes),
      giga(row.bytesPerSecond),
      row.ofBound === undefined ? "" : `${(100 * row.ofBound).toFixed(0)} %`,
    ]);
    const widths = columns.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i].length)));
    const format = (line) =>
      line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ");
    out.push("", `${preset}: ${(parameters / 1e6).toFixed(1)} M parameters, float32, ${latents} latents`);
    out.push(format(columns), ...lines.map(format));
  }
  out.push(
    "",
    "of bound: the larger of FLOPs at the matmul peak and bytes at the stream rate, divided by the time taken.",
  );
  process.stdout.write(`${out.join("\n")}\n`);
}

function giga(value) {
  return value === undefined ? "" : (value / 1e9).toPrecision(3);
}
