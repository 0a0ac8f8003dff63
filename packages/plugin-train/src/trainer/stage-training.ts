import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { type Backend, FusionError, internalError, openWeights, type Tensor, toFloat32 } from "@fusion-vlm/core";
import { type AdamWOptions, adamwDefaults, type TrainingOptions, TrainingState } from "@fusion-vlm/core/train";
import { OutputFolder, writeFileAtomic, writing } from "@fusion-vlm/plugin-kit";
import { phaseLengths } from "../batches/phase-lengths.ts";
import type { SettledOptions, SettledStage } from "../options/settle-options.ts";
import { type LivePage, pageFile } from "../page/live-page.ts";
import { OpenCheckpoint, type Progress, writeProgress } from "../training-folder/checkpoint.ts";
import { machineFacts, type RunRecord, writeRecord } from "../training-folder/run-record.ts";
import type { TrainingFolder } from "../training-folder/training-folder.ts";
import { throwIfAborted } from "./abort.ts";
import type { EventChannel } from "./event-channel.ts";
import { Pace } from "./pace.ts";
import { runStage, type SpoilingBatch, type StageEnd } from "./run-steps.ts";
import { savedBytes, saveModel } from "./save-model.ts";
import { CostCounter } from "./speed.ts";
import type { StageData } from "./stage-data.ts";
import type { StartModel } from "./start-model.ts";
import type { EndEvent } from "./train-events.ts";
import { logFile, type TrainLog } from "./train-log.ts";
import type { StageResult } from "./train-result.ts";

export interface StageTrainingOptions {
  readonly options: SettledOptions;
  readonly folder: TrainingFolder;
  readonly start: StartModel;
  readonly data: StageData;
  readonly backend: Backend;
  readonly channel: EventChannel;
  readonly log: TrainLog;
  /** Where the stage goes on. */
  readonly from: Progress;
  /** The checkpoint that it goes on from; absent at its beginning. */
  readonly checkpoint?: string;
}

export interface TrainedStage {
  readonly progress: Progress;
  readonly result: StageResult;
  /** The weights that the stage ends with. */
  readonly parameters: ReadonlyMap<string, Tensor<"float32">>;
}

/** Trains one stage. */
export class StageTraining {
  readonly #given: StageTrainingOptions;
  readonly #stage: SettledStage;

  constructor(given: StageTrainingOptions) {
    this.#given = given;
    this.#stage = given.options.learning.stages[given.from.stage]!;
  }

  /** Throws ABORTED behind a checkpoint, TRAINING_DIVERGED, OPTION_INVALID, BACKEND_FAILED. */
  async run(): Promise<TrainedStage> {
    const { start, backend, checkpoint: path, options } = this.#given;
    throwIfAborted(options.signal, this.#outcome());
    const checkpoint = path === undefined ? undefined : await OpenCheckpoint.open(path);
    try {
      // Under LoRA a checkpoint's weights have the adapters merged: the base is that of the start.
      const read = checkpoint && !this.#stage.lora ? checkpoint.read : start.read;
      const state = await TrainingState.create(backend, start.config, read, this.#optimiser());
      try {
        await checkpoint?.restore(state);
        return await this.#train(state);
      } finally {
        await state.dispose();
      }
    } finally {
      await checkpoint?.close();
    }
  }

  /** Keeps the model of a stage that others follow, and forgets its checkpoints. */
  async saveStage({ progress, parameters }: TrainedStage): Promise<void> {
    const { folder, start, log } = this.#given;
    const stage = this.#stage.name!;
    const output = await OutputFolder.create(folder.stagePath(stage));
    try {
      await saveModel(output.path, { start, parameters, dtype: "float32", stage });
      await writeProgress(output.path, { ...progress, logBytes: log.bytes });
      await output.publish({ durable: true });
    } catch (error) {
      await output.remove();
      throw error;
    }
    await folder.forgetCheckpoints();
  }

  /** Writes the model that all has been for, with record, log and page beside it; what is to be told of it is returned. */
  async finish(
    { parameters, progress, result }: TrainedStage,
    { record, page }: { record: RunRecord; page: LivePage },
  ): Promise<EndEvent> {
    const { folder, start, options, channel } = this.#given;
    const { dtype } = options.learning;
    await channel.emit({ type: "saving", folder: options.out });
    const output = await OutputFolder.create(folder.resultPath, savedBytes(start, dtype));
    try {
      const stage = this.#stage.name ?? undefined;
      await saveModel(output.path, { start, parameters, dtype, stage });
      await writeRecord(output.path, record);
      const { steps, samples, seconds } = progress;
      const end: EndEvent = { type: "end", steps, samples, seconds, stoppedEarly: result.stoppedEarly };
      await channel.end(end);
      page.onEvent(end);
      await page.close();
      for (const file of [logFile, pageFile]) {
        await writing(output.path, () => copyFile(join(folder.path, file), join(output.path, file)));
      }
      await output.publish({ durable: true });
      return end;
    } catch (error) {
      await output.remove();
      throw error;
    }
  }

  async #train(state: TrainingState): Promise<TrainedStage> {
    const { options, data, start, from, channel, log } = this.#given;
    const { learning, keeping, signal } = options;
    const stage = this.#stage;
    const peak = stage.learningRate ?? (start.untrained ? 1e-3 : 2e-5);
    const { epochs, shares, steps: phaseSteps } = phaseLengths(data.phases, stage);
    const { maxSteps, maxMinutes, warmupRatio, schedule } = stage;
    const maxTime = maxMinutes === undefined ? undefined : maxMinutes * 60_000;
    const elapsedBefore = from.stageSeconds;
    const pace = new Pace({ phaseSteps, shares, maxSteps, maxTime, peak, warmupRatio, schedule, elapsedBefore });
    await channel.emit({
      type: "begin",
      stage: stage.name,
      stepsBefore: from.steps,
      model: start.name,
      parameters: start.parameters,
      device: this.#given.backend.device,
      phases: data.phases.map(({ name, size, classes }) => ({ name, samples: size, shapes: classes.length })),
      steps: Number.isFinite(pace.totalSteps) ? pace.totalSteps : null,
      settings: this.#settings(peak, epochs, shares),
      machine: machineFacts(options.threads),
    });
    await log.flush(); // a disk that is full by now would have no space for the model
    const end = await runStage({
      ...{ stage, state, phases: data.phases, epochs, pace, from, learning, keeping, signal },
      evaluator: data.evaluator,
      evaluateEvery: stage.evaluateEvery ?? usualEvaluation(pace.totalSteps),
      costs: new CostCounter((latents) => state.gradientGraph(latents)),
      latentCounts: start.config.latentCounts,
      logBytes: () => log.bytes,
      host: {
        emit: channel.emit,
        checkpoint: (progress) => this.#checkpoint(state, progress),
        keepBatch: (batch) => this.#keepBatch(batch),
      },
    });
    if (end.ended === "aborted") await this.#stop(state, end);
    if (end.progress.stageSteps === 0) throw noTime(stage);
    return { progress: end.progress, result: this.#resultOf(end), parameters: await this.#chosen(state, end.progress) };
  }

  /** The weights that the stage ends with: of its last step, or of its best evaluation. */
  async #chosen(state: TrainingState, { best, steps }: Progress): Promise<ReadonlyMap<string, Tensor<"float32">>> {
    const { options, folder, channel } = this.#given;
    const last = await state.read();
    if (options.learning.result === "last" || best === null || best.step === steps) return last;
    const path = await folder.checkpointAt(best.step);
    if (path === undefined) {
      await channel.warn(`the best weights, of step ${best.step}, have not been kept: the last ones are taken`);
      return last;
    }
    const weights = await openWeights(path);
    try {
      const chosen = new Map<string, Tensor<"float32">>();
      for (const [name, { shape }] of last) {
        chosen.set(name, { dtype: "float32", shape, data: toFloat32(await weights.read(name)) } as Tensor<"float32">);
      }
      return chosen;
    } finally {
      await weights.close();
    }
  }

  /** False when there is no space for it: the training goes on, and tries again later. */
  async #checkpoint(state: TrainingState, progress: Progress): Promise<boolean> {
    const { folder, start, channel, options } = this.#given;
    const began = performance.now();
    try {
      const keep = options.keeping.keepCheckpoints;
      const { path, bytes } = await folder.checkpoint({ start, state, progress }, keep);
      const seconds = (performance.now() - began) / 1000;
      await channel.emit({
        ...{ type: "checkpoint", step: progress.steps, stage: this.#stage.name, folder: path, bytes, seconds },
      });
      return true;
    } catch (error) {
      if (!FusionError.isInstance(error) || error.code !== "WRITE_FAILED") throw error;
      await channel.warn(
        `no checkpoint at step ${progress.steps}: ${error.message}. The training goes on. ${error.hint}`,
      );
      return false;
    }
  }

  /** Ends a training that its signal has stopped. */
  async #stop(state: TrainingState, { progress }: StageEnd): Promise<never> {
    const { options, folder, start } = this.#given;
    if (progress.stageSteps > 0) {
      const { keepCheckpoints: keep } = options.keeping;
      await folder.checkpoint({ start, state, progress }, keep);
    }
    throwIfAborted(options.signal, this.#outcome(progress), goOn(options.out));
    throw internalError(this.#given.folder.path, "stopped without a signal");
  }

  #outcome({ steps, stageSteps }: Progress = this.#given.from): string {
    if (steps === 0) return "nothing was written";
    const path = stageSteps > 0 ? "last" : "";
    return `after ${steps} steps, which are saved in ${join(this.#given.folder.path, path)}`;
  }

  async #keepBatch(batch: SpoilingBatch): Promise<string> {
    const file = join(this.#given.folder.path, `diverged-${String(batch.step).padStart(8, "0")}.json`);
    try {
      await writeFileAtomic(file, `${JSON.stringify(batch, null, 2)}\n`);
      return file;
    } catch (error) {
      await this.#given.channel.warn(`${file} cannot be written: ${String((error as Error).message)}`);
      return "no file, as the disk takes none";
    }
  }

  #resultOf({ progress, last, evaluation, ended }: StageEnd): StageResult {
    return {
      stage: this.#stage.name,
      steps: progress.stageSteps,
      seconds: progress.stageSeconds,
      stoppedEarly: ended === "patience",
      ...(last && { last }),
      ...(evaluation && { evaluation }),
    };
  }

  #optimiser(): TrainingOptions {
    const { optimizer = "adamw", weightDecay = 0, maxGradientNorm = 1, rules, lora, checkpointing } = this.#stage;
    const { beta1, beta2, epsilon } =
      optimizer === "adafactor" ? betas(this.#stage) : { ...adamwDefaults, ...betas(this.#stage) };
    // First and further parts of each Q, and the evaluation.
    const compiledPrograms = 2 * this.#given.start.config.latentCounts.length + 1;
    return {
      ...{ optimizer, weightDecay, beta1, beta2, epsilon, maxGradientNorm, rules, lora, checkpointing },
      compiledPrograms,
    };
  }

  #settings(learningRate: number, epochs: readonly number[], shares: readonly number[]): Record<string, unknown> {
    const { learning } = this.#given.options;
    const { config } = this.#given.start;
    const { name: _, data: __, heldout, ...stage } = this.#stage;
    return {
      ...stage,
      ...this.#optimiser(),
      window: config.interaction.window,
      ...{ seed: learning.seed, learningRate, dtype: learning.dtype, recipe: learning.recipe },
      ...{ mappingWeight: config.mappingWeight, latentCounts: config.latentCounts, semantics: config.semantics },
      ...{ maxLength: config.maxLength, heldout: heldout ?? [], shares },
      epochs: epochs.map((count) => (Number.isFinite(count) ? count : null)),
      ...{ maxSteps: stage.maxSteps ?? null, maxMinutes: stage.maxMinutes ?? null },
    };
  }
}

/** The AdamW options that were given. */
function betas({ beta1, beta2, epsilon }: SettledStage): Partial<AdamWOptions> {
  return Object.fromEntries(Object.entries({ beta1, beta2, epsilon }).filter(([, value]) => value !== undefined));
}

/** A twentieth of a stage whose length is known. */
export function usualEvaluation(totalSteps: number): number {
  return Number.isFinite(totalSteps) ? Math.max(1, Math.round(totalSteps / 20)) : 200;
}

function goOn(out: string): string {
  return `Go on by the same command, or by: fusion train resume ${/^[\w./-]+$/.test(out) ? out : JSON.stringify(out)}`;
}

function noTime({ maxMinutes }: SettledStage): FusionError {
  return new FusionError({
    code: "OPTION_INVALID",
    at: "maxMinutes",
    expected: "time for at least one step",
    actual: `${maxMinutes} minutes`,
    hint: "Allow more time.",
  });
}
