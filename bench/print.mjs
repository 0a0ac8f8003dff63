// The bench's numbers as tables for a terminal.

const bound =
  "of bound: the larger of FLOPs at the matmul peak and bytes at the stream rate, divided by the time taken.";

/** @param bench - what `--json` writes: { peaks, models, training } */
export function formatBench({ peaks, models, training }) {
  const peak = `float32 matmul peak ${giga(peaks.flops)} GFLOP/s · memory stream ${giga(peaks.bytes)} GB/s`;
  const inference = models.length > 0 ? [...models.map(inferenceTable), bound] : [];
  return [peak, ...inference, ...(training ? trainingTables(training) : [])].join("\n\n");
}

function inferenceTable({ preset, parameters, latents, rows }) {
  const columns = ["part", "ms", "GFLOP", "GFLOP/s", "GB", "GB/s", "of bound"];
  const lines = rows.map((row) => [
    row.part,
    (row.seconds * 1000).toFixed(2),
    giga(row.flops),
    giga(row.flopsPerSecond),
    giga(row.bytes),
    giga(row.bytesPerSecond),
    percent(row.ofBound),
  ]);
  const title = `${preset}: ${(parameters / 1e6).toFixed(1)} M parameters, float32, ${latents} latents`;
  return [title, ...table(columns, lines)].join("\n");
}

function trainingTables({ preset, threads, steps, growth, torch }) {
  const [{ parameters, samples, questions }] = steps;
  const size = `${(parameters / 1e6).toFixed(1)} M parameters, float32, ${threads} threads`;
  const batch = `${samples} pictures with ${questions} questions each`;
  const rows = [
    ...steps.map((row) => [`Q = ${row.latents}`, row]),
    ...growth.batch.map((row) => [`batch ${row.samples}`, row]),
    ...growth.length.map((row) => [`questions ${row.questions}`, row]),
    ...growth.width.map((row) => [`width ×${row.width}`, row]),
  ];
  const columns = ["step", "Q", "rows", "ms", "samples/s", "GFLOP", "GFLOP/s", "of peak"];
  const lines = rows.map(([name, row]) => [
    name,
    String(row.latents),
    String(row.sizes.S),
    (row.seconds * 1000).toFixed(0),
    row.samplesPerSecond.toFixed(1),
    giga(row.flops),
    giga(row.flopsPerSecond),
    percent(row.ofPeak),
  ]);
  return [
    [`training ${preset}: ${size}; ${batch} where not said otherwise`, ...table(columns, lines)].join("\n"),
    formatTorch(torch),
  ];
}

function formatTorch({ notCompared, ...run }) {
  if (notCompared) return `PyTorch: not compared: ${notCompared}`;
  const { torch, blas, steps, largestDifference, agrees, samplesPerSecond, ratio } = run;
  const losses = agrees ? "the same losses" : "DIFFERENT LOSSES";
  const lines = [
    `PyTorch ${torch}, matrix products by ${blas.join(", ") || "an unknown library"}`,
    `${losses} for ${steps.length} steps: largest difference ${largestDifference.toExponential(1)}`,
    `ours ${samplesPerSecond.ours.toFixed(1)} samples/s, PyTorch ${samplesPerSecond.torch.toFixed(1)}: ${ratio.toFixed(2)} times as fast`,
  ];
  const isReference = blas.length > 0 && blas.every((name) => name.startsWith("libblas.so"));
  if (isReference)
    lines.push("not a fair race: this is the unoptimised reference BLAS (Debian: apt-get install libopenblas0)");
  return lines.join("\n");
}

function table(columns, lines) {
  const widths = columns.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i].length)));
  const format = (line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ");
  return [columns, ...lines].map(format);
}

function giga(value) {
  return value === undefined ? "" : (value / 1e9).toPrecision(3);
}

function percent(share) {
  return share === undefined ? "" : `${(100 * share).toFixed(0)} %`;
}
