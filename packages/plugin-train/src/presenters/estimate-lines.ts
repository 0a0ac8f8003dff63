import { formatBytes, formatCount, formatDuration, keyValues, printableLine, table } from "@fusion-vlm/plugin-kit";
import type { DataEstimate, StageEstimate, TimeBasis, TrainingEstimate } from "../estimate/estimate-training.ts";

/** What a training will be, in tables. */
export function renderEstimate({ model, stages, fits, seconds }: TrainingEstimate): string {
  const verdict = `${printableLine(model)}: ${fits ? "fits into memory" : "does not fit into memory"}`;
  const all = stages.length > 1 && seconds !== null ? `all stages: ${formatDuration(seconds)}` : undefined;
  return [verdict, ...stages.flatMap(stageTables), all].filter((part) => part !== undefined).join("\n\n");
}

function stageTables(estimate: StageEstimate): string[] {
  return [
    ...(estimate.stage === null ? [] : [`stage ${estimate.stage}`]),
    parametersOf(estimate),
    dataTable(estimate.data),
    keyValues([
      ["steps", estimate.steps ?? "as many as the time allows"],
      ["samples", estimate.samples ?? undefined],
      ["FLOPs per step", formatFlops(estimate.flops.perStep)],
      ["FLOPs in all", estimate.flops.total === null ? undefined : formatFlops(estimate.flops.total)],
    ]),
    memoryTable(estimate.memory),
    timeOf(estimate),
  ];
}

function parametersOf({ parameters }: StageEstimate): string {
  const { all, trained, parts, adapters } = parameters;
  const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return keyValues([
    ["parameters", formatCount(all)],
    ["  trained", formatCount(trained)],
    ...Object.entries(parts).map(([part, count]) => [`  ${dashed(part)}`, formatCount(count)] as const),
    ["  adapters", adapters > 0 ? formatCount(adapters) : undefined],
  ]);
}

function dataTable(data: readonly DataEstimate[]): string {
  const numbers = ["samples", "skipped", "pictures", "textTokens", "imageTokens", "latentRows", "paddedRows"] as const;
  const heads = ["samples", "left out", "pictures", "text tokens", "image tokens", "latent rows", "padded rows"];
  return table(data, [
    { head: "data", value: ({ source }) => source },
    ...numbers.map((key, index) => ({
      head: heads[index]!,
      value: (row: DataEstimate) => formatCount(row[key]),
      align: "right" as const,
    })),
  ]);
}

function memoryTable({ fits: _, cure: __, ...memory }: StageEstimate["memory"]): string {
  const rows = Object.entries(memory).map(([part, bytes]) => ({ part, bytes }));
  return table(rows, [
    { head: "memory", value: ({ part }) => part },
    { head: "", value: ({ bytes }) => formatBytes(bytes), align: "right" },
  ]);
}

function timeOf({ time, memory }: StageEstimate): string {
  if (!time) return `time: none, as it does not fit${memory.cure ? `; it does with ${memory.cure.flags}` : ""}`;
  return keyValues([
    ["time", formatDuration(time.seconds)],
    ["  a step", `${time.secondsPerStep.toPrecision(3)} s`],
    ["  preparing", formatDuration(time.preparing)],
    ["  compiling", formatDuration(time.compiling)],
    ["  evaluating", time.evaluating > 0 ? formatDuration(time.evaluating) : undefined],
    ["  by", basisOf(time.basis)],
  ]);
}

function basisOf(basis: TimeBasis): string {
  if (basis.kind === "probe") return `${basis.steps} real steps, run just now in ${formatDuration(basis.seconds)}`;
  const rate = `${(basis.matmulFlopsPerSecond / 1e9).toFixed(0)} GFLOP/s of matrix products, measured just now`;
  return `arithmetic: ${rate}, of which a step is taken to reach ${Math.round(100 * basis.efficiency)} %`;
}

function formatFlops(flops: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(flops, 1)) / 3), 6);
  return `${(flops / 1000 ** power).toPrecision(3)} ${["", "K", "M", "G", "T", "P", "E"][power]}FLOP`;
}
