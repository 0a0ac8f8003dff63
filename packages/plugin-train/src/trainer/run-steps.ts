import type { TrainingState } from "@fusion-vlm/core/train";
import { inOrder } from "@fusion-vlm/plugin-kit";
import { type StepPlan, stepPlans } from "../batches/step-plans.ts";
import type { Pace } from "./pace.ts";
import type { Phase, PreparedStep } from "./phase.ts";
import { sourceLosses } from "./source-losses.ts";
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
      if (step.parts.length > 0) await run.step(phase.name, step);
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
    const flops = parts.reduce((sum, { batch }) => sum + costs.flops(latents, batch.sizes), 0);
    const learningRate = pace.learningRate(this.done.steps);
    const batches = parts.map(({ batch }) => batch);
    const result = await state.step(batches, latents, learningRate);
    const { loss, answer, visionToText, textToVision, gradientNorm, answerLosses } = result;
    const samples = batches.reduce((sum, batch) => sum + batch.samples, 0);
    const now = performance.now();
    const seconds = (now - this.#began) / 1000;
    this.#began = now;
    if (!compiled) this.#meter.add({ samples, flops, seconds });
    const steps = this.done.steps + 1;
    const last: StepEvent = {
      type: "step",
      step: steps,
      stage: null,
      phase,
      epoch,
      loss,
      answer,
      visionToText,
      textToVision,
      sources: sourceLosses(parts, answerLosses),
      gradientNorm,
      learningRate,
      latents,
      samples,
      answerTokens: batches.reduce((sum, batch) => sum + batch.answerTokens, 0),
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
  }
}
