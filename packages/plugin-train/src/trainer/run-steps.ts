import { FusionError } from "@fusion-vlm/core";
import type { TrainingState } from "@fusion-vlm/core/train";
import { inOrder } from "@fusion-vlm/plugin-kit";
import { type StepPlan, stepPlans } from "../batches/step-plans.ts";
import type { Pace } from "./pace.ts";
import type { Phase, PreparedStep } from "./phase.ts";
import { type CostCounter, SpeedMeter } from "./speed.ts";
import type { StepEvent } from "./train-events.ts";

/** Steps whose data are made ready ahead, the one that runs included. */
const stepsAhead = 3;

export interface RunStepsOptions {
  readonly state: TrainingState;
  readonly phases: readonly Phase[];
  /** Times that each phase's data are gone through; infinite where steps or time end it. */
  readonly epochs: readonly number[];
  readonly pace: Pace;
  readonly costs: CostCounter;
  readonly batchSize: number;
  readonly microBatch: number;
  readonly latentCounts: readonly number[];
  readonly seed: number;
  readonly onStep: (event: StepEvent) => Promise<void>;
  readonly signal?: AbortSignal;
}

export interface StepsDone {
  readonly steps: number;
  readonly samples: number;
  /** Absent when there was no time for a single step. */
  readonly last?: StepEvent;
}

/** Runs all phases one after the other, until their end or an abort. */
export async function runSteps(options: RunStepsOptions): Promise<StepsDone> {
  const { phases, pace, signal } = options;
  const run = new Run(options);
  for (const [index, phase] of phases.entries()) {
    for await (const step of inOrder(plansOf(options, index), stepsAhead, (plan) => phase.prepare(plan))) {
      if (signal?.aborted || pace.isOver(index, run.done.steps)) break;
      await run.step(phase.name, step);
    }
    if (signal?.aborted) break;
  }
  return run.done;
}

function plansOf(options: RunStepsOptions, index: number): Iterable<StepPlan> {
  const { phases, epochs, batchSize, microBatch, latentCounts, seed } = options;
  return stepPlans({
    classes: phases[index]!.classes,
    microBatch,
    partsPerStep: batchSize / microBatch,
    epochs: epochs[index]!,
    latentCounts,
    seed,
    stream: `phase ${index}`,
  });
}

class Run {
  done: StepsDone = { steps: 0, samples: 0 };
  readonly #options: RunStepsOptions;
  readonly #meter = new SpeedMeter();
  #began = performance.now();

  constructor(options: RunStepsOptions) {
    this.#options = options;
  }

  async step(phase: string, { plan, parts }: PreparedStep): Promise<void> {
    const { state, pace, costs, onStep } = this.#options;
    const { latents, epoch } = plan;
    const compiled = costs.compiles(latents, parts.length);
    const flops = parts.reduce((sum, { sizes }) => sum + costs.flops(latents, sizes), 0);
    const learningRate = pace.learningRate(this.done.steps);
    const { loss, answer, visionToText, textToVision, gradientNorm } = await state.step(parts, latents, learningRate);
    const samples = parts.reduce((sum, part) => sum + part.samples, 0);
    const now = performance.now();
    const seconds = (now - this.#began) / 1000;
    this.#began = now;
    if (!compiled) this.#meter.add({ samples, flops, seconds });
    const steps = this.done.steps + 1;
    const last: StepEvent = {
      type: "step",
      step: steps,
      phase,
      epoch,
      loss,
      answer,
      visionToText,
      textToVision,
      gradientNorm,
      learningRate,
      latents,
      samples,
      answerTokens: parts.reduce((sum, part) => sum + part.answerTokens, 0),
      seconds,
      compiled,
      samplesPerSecond: this.#meter.samplesPerSecond,
      gflops: this.#meter.gflops,
      progress: pace.progress(steps),
      secondsElapsed: pace.elapsed,
      secondsLeft: pace.left(steps),
    };
    this.done = { steps, samples: this.done.samples + samples, last };
    await onStep(last);
    if (!Number.isFinite(gradientNorm)) throw diverged(last);
  }
}

/** A loss that is no number has stopped the step itself; its gradient may be none all the same. */
function diverged({ step, loss, gradientNorm, learningRate }: StepEvent): FusionError {
  return new FusionError({
    code: "TRAINING_DIVERGED",
    at: `training step ${step}`,
    expected: "a finite gradient",
    actual: `loss ${loss}, gradient norm ${gradientNorm} at learning rate ${learningRate}`,
    hint: "Train with a lower learning rate or a longer warm-up.",
  });
}
