import { FusionError } from "@fusion-vlm/core";
import type { GradientResult, TrainingState } from "@fusion-vlm/core/train";
import { inOrder } from "@fusion-vlm/plugin-kit";
import { type StepPlan, stepPlans } from "../batches/step-plans.ts";
import type { SettledOptions, SettledStage } from "../options/settle-options.ts";
import type { Progress } from "../training-folder/checkpoint.ts";
import { DivergenceGuard, mostSkippedInARow } from "./divergence.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Pace } from "./pace.ts";
import type { Phase, PreparedStep } from "./phase.ts";
import { sourceLosses } from "./source-losses.ts";
import { type CostCounter, SpeedMeter } from "./speed.ts";
import type { EvaluationEvent, StepEvent, TrainEvent } from "./train-events.ts";

/** Steps whose data are made ready ahead, the one that runs included. */
const stepsAhead = 3;

/** What the steps of a stage tell and ask while they run. */
export interface StageHost {
  emit(event: TrainEvent): Promise<void>;
  /** Writes a checkpoint of what has been done; false when the disk does not take it. */
  checkpoint(progress: Progress): Promise<boolean>;
  /** Keeps what is known of a batch that would spoil the model. */
  keepBatch(batch: SpoilingBatch): Promise<string>;
}

/** A batch whose loss or gradient is no number, or far too large. */
export interface SpoilingBatch {
  readonly step: number;
  readonly stage: string | null;
  readonly reason: string;
  readonly latents: number;
  readonly learningRate: number;
  /** As text, as JSON knows no NaN. */
  readonly losses: Readonly<Record<string, string>>;
  readonly recentLosses: readonly number[];
  /** Its samples, as messages name them. */
  readonly samples: readonly string[];
}

export interface StageStepsOptions {
  readonly stage: SettledStage;
  readonly state: TrainingState;
  readonly phases: readonly Phase[];
  /** Times that each phase's data are gone through; infinite where steps or time end it. */
  readonly epochs: readonly number[];
  readonly pace: Pace;
  readonly costs: CostCounter;
  readonly latentCounts: readonly number[];
  readonly evaluator?: Evaluator;
  readonly evaluateEvery: number;
  readonly learning: Pick<SettledOptions["learning"], "seed" | "spikeFactor">;
  readonly keeping: Pick<SettledOptions["keeping"], "checkpointMinutes" | "checkpointSteps" | "onDivergence">;
  /** Where the stage goes on. */
  readonly from: Progress;
  /** Bytes of the log at the moment. */
  readonly logBytes: () => number;
  readonly host: StageHost;
  readonly signal?: AbortSignal;
}

export interface StageEnd {
  readonly progress: Progress;
  /** Absent when there was nothing left to do. */
  readonly last?: StepEvent;
  /** Of the last evaluation. */
  readonly evaluation?: EvaluationEvent;
  /** `aborted`: by the signal, behind a whole step. `patience`: evaluations have not become better. */
  readonly ended: "complete" | "patience" | "aborted";
}

/** Runs the steps of a stage from where it stands, until its end or an abort. */
export async function runStage(options: StageStepsOptions): Promise<StageEnd> {
  const run = new StageRun(options);
  await run.catchUp();
  if (run.isOutOfPatience) return run.end("patience");
  try {
    return await runPhases(options, run);
  } catch (error) {
    // Nothing of the failed step has reached the parameters: what was learned before is worth keeping.
    if (run.stageSteps > 0) await options.host.checkpoint(run.progress).catch(() => undefined);
    throw error;
  }
}

async function runPhases(options: StageStepsOptions, run: StageRun): Promise<StageEnd> {
  const { phases, from, pace, signal } = options;
  for (let index = from.phase; index < phases.length; index++) {
    const done = index === from.phase ? from.phaseSteps : 0;
    run.beginPhase(index, done);
    const plans = behind(plansOf(options, index), done);
    for await (const step of inOrder(plans, stepsAhead, (plan) => phases[index]!.prepare(plan))) {
      if (signal?.aborted) return run.end("aborted");
      if (pace.isOver(index, run.stageSteps)) break;
      await run.step(phases[index]!.name, step);
      if (run.isOutOfPatience) return run.end("patience");
    }
    if (signal?.aborted) return run.end("aborted");
  }
  await run.evaluateAtEnd();
  return run.end(signal?.aborted && !run.isEvaluated ? "aborted" : "complete");
}

function plansOf({ stage, phases, epochs, latentCounts, learning }: StageStepsOptions, index: number) {
  const { name, batchSize, microBatch } = stage;
  return stepPlans({
    classes: phases[index]!.classes,
    microBatch,
    partsPerStep: batchSize / microBatch,
    epochs: epochs[index]!,
    latentCounts,
    seed: learning.seed,
    stream: name === null ? `phase ${index}` : `stage ${name}, phase ${index}`,
  });
}

/** Without the first ones. */
function* behind(plans: Iterable<StepPlan>, count: number): Generator<StepPlan> {
  let index = 0;
  for (const plan of plans) if (index++ >= count) yield plan;
}

class StageRun {
  readonly #options: StageStepsOptions;
  readonly #meter = new SpeedMeter();
  readonly #guard: DivergenceGuard;
  #phase: number;
  #phaseSteps: number;
  #stageSteps: number;
  #samples: number;
  #skippedInARow: number;
  #best: Progress["best"];
  /** The best before the last one, for the case that the last one's checkpoint cannot be written. */
  #bestBefore: Progress["best"] = null;
  #evaluationsSinceBest: number;
  #evaluatedAt: number;
  #evaluated: EvaluationEvent | undefined;
  #last: StepEvent | undefined;
  #stepBegan = performance.now();
  #checkpointed = performance.now();

  constructor(options: StageStepsOptions) {
    const { from, learning } = options;
    this.#options = options;
    this.#guard = new DivergenceGuard(learning.spikeFactor, from.recentLosses);
    this.#phase = from.phase;
    this.#phaseSteps = from.phaseSteps;
    this.#stageSteps = from.stageSteps;
    this.#samples = from.samples;
    this.#skippedInARow = from.skippedInARow;
    this.#best = from.best;
    this.#evaluationsSinceBest = from.evaluationsSinceBest;
    this.#evaluatedAt = from.evaluatedAt;
  }

  get stageSteps(): number {
    return this.#stageSteps;
  }

  get isOutOfPatience(): boolean {
    const { patience = Number.POSITIVE_INFINITY } = this.#options.stage;
    return this.#evaluationsSinceBest >= patience;
  }

  /** Also where nothing is held out. */
  get isEvaluated(): boolean {
    return !this.#options.evaluator || this.#evaluatedAt === this.#stageSteps;
  }

  beginPhase(index: number, done: number): void {
    // Other data have other losses: what was usual for the captions says nothing about the questions.
    if (done === 0) this.#guard.forget();
    this.#phase = index;
    this.#phaseSteps = done;
  }

  async step(phase: string, prepared: PreparedStep): Promise<void> {
    const { state, pace, costs } = this.#options;
    const { plan, parts } = prepared;
    const learningRate = pace.learningRate(this.#stageSteps);
    const compiled = costs.compiles(plan.latents, parts.length);
    const batches = parts.map(({ batch }) => batch);
    if (batches.length === 0) {
      await this.#skip(prepared, "none of its samples can be read");
      return;
    }
    const result = await state.accumulate(batches, plan.latents);
    const reason = this.#guard.check(result);
    if (reason !== undefined) {
      await this.#diverged(prepared, learningRate, reason, result);
      return;
    }
    await state.update(learningRate);
    this.#skippedInARow = 0;
    this.#count(batches.reduce((sum, { samples }) => sum + samples, 0));
    this.#last = this.#stepEvent(phase, prepared, result, { learningRate, compiled });
    await this.#options.host.emit(this.#last);
    await this.#tidyUp();
  }

  /** Makes the evaluation in whose middle a training was stopped. */
  async catchUp(): Promise<void> {
    if (this.#stageSteps > 0 && (await this.#evaluateWhenDue())) await this.#checkpoint();
  }

  /** The last step of a stage is evaluated, whether its turn has come or not. */
  async evaluateAtEnd(): Promise<void> {
    if (await this.#evaluate()) await this.#checkpoint();
  }

  end(ended: StageEnd["ended"]): StageEnd {
    return {
      progress: this.progress,
      ended,
      ...(this.#last && { last: this.#last }),
      ...(this.#evaluated && { evaluation: this.#evaluated }),
    };
  }

  get progress(): Progress {
    const { from, pace, logBytes } = this.#options;
    const stageSeconds = pace.elapsed;
    return {
      stage: from.stage,
      phase: this.#phase,
      phaseSteps: this.#phaseSteps,
      stageSteps: this.#stageSteps,
      steps: this.#steps,
      samples: this.#samples,
      stageSeconds,
      seconds: from.seconds + stageSeconds - from.stageSeconds,
      logBytes: logBytes(),
      recentLosses: this.#guard.recent,
      skippedInARow: this.#skippedInARow,
      best: this.#best,
      evaluationsSinceBest: this.#evaluationsSinceBest,
      evaluatedAt: this.#evaluatedAt,
    };
  }

  get #steps(): number {
    const { from } = this.#options;
    return from.steps + this.#stageSteps - from.stageSteps;
  }

  #count(samples: number): void {
    this.#stageSteps += 1;
    this.#phaseSteps += 1;
    this.#samples += samples;
  }

  #stepEvent(
    phase: string,
    { plan, parts }: PreparedStep,
    { loss, answer, visionToText, textToVision, gradientNorm, answerLosses }: GradientResult,
    { learningRate, compiled }: { learningRate: number; compiled: boolean },
  ): StepEvent {
    const { stage, pace, costs } = this.#options;
    const { latents, epoch } = plan;
    const sum = (of: (part: PreparedStep["parts"][number]) => number) => parts.reduce((all, part) => all + of(part), 0);
    const samples = sum(({ batch }) => batch.samples);
    const flops = sum(({ batch }) => costs.flops(latents, batch.sizes));
    const seconds = (performance.now() - this.#stepBegan) / 1000;
    if (!compiled) this.#meter.add({ samples, flops, seconds });
    return {
      type: "step",
      step: this.#steps,
      stage: stage.name,
      ...{ phase, epoch, loss, answer, visionToText, textToVision },
      sources: sourceLosses(parts.map((part, index) => ({ part, answerLosses: answerLosses[index]! }))),
      ...{ gradientNorm, learningRate, latents, samples },
      answerTokens: sum(({ batch }) => batch.answerTokens),
      ...{ seconds, compiled },
      samplesPerSecond: this.#meter.samplesPerSecond,
      gflops: this.#meter.gflops,
      progress: pace.progress(this.#stageSteps),
      secondsElapsed: pace.elapsed,
      secondsLeft: pace.left(this.#stageSteps),
    };
  }

  /** The step before was the last good one: it is what a checkpoint holds now, and what a resumed training goes on from. */
  async #diverged(
    prepared: PreparedStep,
    learningRate: number,
    reason: string,
    { loss, answer, visionToText, textToVision, gradientNorm }: GradientResult,
  ): Promise<void> {
    const { stage, host, keeping } = this.#options;
    const step = this.#steps + 1;
    const losses = { loss, answer, visionToText, textToVision, gradientNorm };
    const file = await host.keepBatch({
      ...{ step, stage: stage.name, reason, latents: prepared.plan.latents, learningRate },
      losses: Object.fromEntries(Object.entries(losses).map(([name, value]) => [name, String(value)])),
      recentLosses: this.#guard.recent,
      samples: prepared.parts.flatMap(({ names }) => names),
    });
    const isHopeless = this.#skippedInARow + 1 >= mostSkippedInARow;
    if (keeping.onDivergence === "skip" && !isHopeless) return this.#skip(prepared, reason, losses);
    // Weights that are no numbers from the start cannot be kept; what the batch was is told all the same.
    await host.checkpoint(this.progress).catch(() => false);
    throw new FusionError({
      code: "TRAINING_DIVERGED",
      at: `training step ${step}`,
      expected: "finite losses and gradients without a spike",
      actual: `${reason}, at learning rate ${learningRate}; ${isHopeless ? `${mostSkippedInARow} batches in a row; ` : ""}its samples are named in ${file}`,
      hint: isHopeless
        ? "Begin again with a lower learning rate or a longer warm-up."
        : "Go on without such batches by --on-divergence skip, or begin again with a lower learning rate or a longer warm-up.",
      details: { file },
    });
  }

  async #skip(
    { parts }: PreparedStep,
    reason: string,
    { loss, gradientNorm }: { loss?: number; gradientNorm?: number } = {},
  ): Promise<void> {
    const { stage, host } = this.#options;
    this.#skippedInARow += 1;
    this.#count(0);
    const finite = (value: number | undefined) => (value !== undefined && Number.isFinite(value) ? value : null);
    await host.emit({
      type: "skipped-step",
      step: this.#steps,
      stage: stage.name,
      reason,
      loss: finite(loss),
      gradientNorm: finite(gradientNorm),
      batch: parts.flatMap(({ names }) => names),
    });
    await this.#tidyUp();
  }

  /** What is due behind a step, a skipped one too. */
  async #tidyUp(): Promise<void> {
    const best = await this.#evaluateWhenDue();
    const { checkpointMinutes, checkpointSteps } = this.#options.keeping;
    const isTime = performance.now() - this.#checkpointed >= checkpointMinutes * 60_000;
    const isStep = checkpointSteps !== undefined && this.#stageSteps % checkpointSteps === 0;
    if (best || isTime || isStep) await this.#checkpoint();
    this.#stepBegan = performance.now();
  }

  /** True for an evaluation that is better than those before it. */
  async #evaluateWhenDue(): Promise<boolean> {
    const { evaluateEvery } = this.#options;
    return this.#stageSteps % evaluateEvery === 0 && this.#evaluate();
  }

  async #evaluate(): Promise<boolean> {
    const { evaluator, state, stage, host, signal } = this.#options;
    if (!evaluator || signal?.aborted || this.#evaluatedAt === this.#stageSteps) return false;
    const step = this.#steps;
    const evaluation = await evaluator.evaluate(state, signal);
    if (!evaluation) return false; // stopped in the middle
    const best = evaluation.answer < (this.#best?.answer ?? Number.POSITIVE_INFINITY);
    if (best) {
      this.#bestBefore = this.#best;
      this.#best = { step, answer: evaluation.answer };
    }
    this.#evaluationsSinceBest = best ? 0 : this.#evaluationsSinceBest + 1;
    this.#evaluatedAt = this.#stageSteps;
    this.#evaluated = { type: "evaluation", step, stage: stage.name, ...evaluation, best };
    await host.emit(this.#evaluated);
    return best;
  }

  async #checkpoint(): Promise<void> {
    const isWritten = await this.#options.host.checkpoint(this.progress);
    this.#checkpointed = performance.now();
    if (!isWritten && this.#best?.step === this.#steps) this.#best = this.#bestBefore;
  }
}
