import { formatCount, formatDuration, keyValues, printableLine } from "@fusion-vlm/plugin-kit";
import type { BeginEvent, DataEvent, EvaluationEvent, SkippedStepEvent, StepEvent } from "../trainer/train-events.ts";
import type { TrainResult } from "../trainer/train-result.ts";

/** How far, how well, how fast: what fits into 80 columns first. */
export function stepLine(event: StepEvent): string {
  const { progress, step, loss, answer, visionToText, textToVision, secondsLeft, learningRate, latents } = event;
  const [total, ...parts] = [loss, answer, visionToText, textToVision].map((value) => value.toFixed(3));
  return [
    `${String(Math.floor(100 * progress)).padStart(3)}%`,
    `${formatDuration(secondsLeft)} left`,
    `step ${step}`,
    `loss ${total} = answer ${parts[0]} + λ(v2t ${parts[1]} + t2v ${parts[2]})`,
    event.samplesPerSecond > 0 ? speedOf(event) : "compiling",
    `rate ${learningRate.toExponential(1)}`,
    `Q ${latents}`,
  ].join("  ");
}

/** What a data file holds, and what of it is left out. */
export function dataLines(event: DataEvent): string {
  const { source, samples, pictures, skipped, cutInstructions, duplicateIds, sampling, records } = event;
  const drawn = sampling === "all" ? "" : `, ${sampling} of ${records} records`;
  const lines = [`${source}: ${samples} samples, ${pictures} pictures${drawn}`];
  if (skipped.length > 0) {
    const named = skipped.slice(0, 3).map(({ record, unit, reason }) => `${unit} ${record} (${reason})`);
    lines.push(`  left out: ${skipped.length}: ${named.join(", ")}${skipped.length > 3 ? ", …" : ""}`);
  }
  if (cutInstructions > 0) lines.push(`  instructions cut at 256 tokens: ${cutInstructions}`);
  if (duplicateIds.count > 0) {
    const isAll = duplicateIds.first.length >= duplicateIds.count;
    lines.push(`  ids that occur again: ${duplicateIds.count}: ${duplicateIds.first.join(", ")}${isAll ? "" : ", …"}`);
  }
  return lines.map(printableLine).join("\n");
}

export function beginLine({ stage, stepsBefore, model, parameters, device, steps, settings }: BeginEvent): string {
  const length = steps === null ? `${settings.maxMinutes} minutes` : `${steps} steps`;
  const size = `${printableLine(model)}, ${formatCount(parameters)} parameters, on ${device}`;
  const part = stage === null ? "" : `stage ${stage}: `;
  const from = stepsBefore > 0 ? `, behind step ${stepsBefore}` : "";
  return `${part}${size}: ${length} of ${settings.batchSize} samples, learning rate ${settings.learningRate}, seed ${settings.seed}${from}`;
}

/** A checkpoint is no news, but a better model is. */
export function evaluationLine({ step, samples, answer, exactMatch, best }: EvaluationEvent): string {
  const share = `${(100 * exactMatch).toFixed(1)} % of ${samples} right`;
  return `  held out, step ${step}: answer loss ${answer.toFixed(4)}, ${share}${best ? ", the best so far" : ""}`;
}

export function skippedStepLine({ step, reason, batch }: SkippedStepEvent): string {
  return `  step ${step} left out: ${reason} (${batch.length} samples)`;
}

/** What came of it. */
export function renderTraining({ folder, steps, samples, seconds, stages, resumedAt, dtype }: TrainResult): string {
  const shown = printableLine(folder);
  const { last, evaluation } = stages.at(-1) ?? {};
  return [
    stages.length > 0 ? `${shown}: trained` : `${shown}: trained before, nothing to do`,
    keyValues([
      ["steps", resumedAt > 0 && stages.length > 0 ? `${steps}, the first ${resumedAt} before` : steps],
      ["samples", samples],
      ["time", formatDuration(seconds)],
      ["loss", last && `${last.loss.toFixed(4)} (answer ${last.answer.toFixed(4)}), last step`],
      [
        "held out",
        evaluation &&
          `${(100 * evaluation.exactMatch).toFixed(1)} % right, answer loss ${evaluation.answer.toFixed(4)}`,
      ],
      ["stopped early", stages.some(({ stoppedEarly }) => stoppedEarly) ? "yes" : undefined],
      ["speed", last && last.samplesPerSecond > 0 ? speedOf(last) : undefined],
      ["weights", dtype],
      ["log", `${shown}/train-log.jsonl`],
    ]),
  ].join("\n");
}

function speedOf({ samplesPerSecond, gflops }: Pick<StepEvent, "samplesPerSecond" | "gflops">): string {
  return `${samplesPerSecond.toFixed(1)} samples/s  ${gflops.toFixed(0)} GFLOP/s`;
}
