import { basename, join } from "node:path";
import { type Cleanup, nodeBackend } from "@fusion-vlm/core";
import { requireSpace } from "@fusion-vlm/plugin-kit";
import { workOptions } from "../estimate/planned-training.ts";
import { requireMemory } from "../estimate/require-memory.ts";
import type { SettledOptions, SettledStage } from "../options/settle-options.ts";
import { LivePage, pageFile } from "../page/live-page.ts";
import { PictureStore } from "../pictures/picture-store.ts";
import { begun } from "../training-folder/checkpoint.ts";
import {
  machineFacts,
  type RunRecord,
  readRecord,
  requireSameFiles,
  requireSameOptions,
  type StageFingerprints,
  writeRecord,
} from "../training-folder/run-record.ts";
import type { Position, TrainingFolder } from "../training-folder/training-folder.ts";
import { EventChannel } from "./event-channel.ts";
import type { SkippedSample } from "./phase.ts";
import { savedBytes } from "./save-model.ts";
import { StageData } from "./stage-data.ts";
import { StageTraining } from "./stage-training.ts";
import { fingerprintOf, forStage, openStart, requireOrder, type StartModel } from "./start-model.ts";
import { TrainLog } from "./train-log.ts";
import type { StageResult, TrainResult } from "./train-result.ts";

/** Threads that prepare pictures: they share the processor with the engine. */
const pictureThreads = 2;

const nothingWritten = "nothing was written";

/** A stage that is ready to be trained: the model that it begins with, and its data. */
interface ReadyStage {
  readonly start: StartModel;
  readonly data: StageData;
}

/** One training, from its beginning or from where it stands, to the model folder. */
export class TrainingRun {
  /** What is in the folder is this training's. */
  #isOurs = false;
  /** Steps have been made, whether a checkpoint holds them or not. */
  #hasSteps = false;
  /** Samples left out, by stage. */
  readonly #skipped = new Map<number, number>();
  #pictures: PictureStore | undefined;

  constructor(
    private readonly options: SettledOptions,
    private readonly folder: TrainingFolder,
    private readonly undo: Cleanup,
  ) {}

  /** True when the folder holds nothing that a training could go on from. */
  async isOfNoUse(): Promise<boolean> {
    if (!this.folder.isNew && !this.#isOurs) return false;
    if (this.#hasSteps || (await this.folder.hasEvidence()) || (await this.folder.hasResult())) return false;
    return (await this.#position()) === undefined;
  }

  async run(): Promise<TrainResult> {
    const { folder, undo } = this;
    const { learning, onEvent } = this.options;
    const known = await readRecord(folder.path);
    if (known) requireSameOptions(folder.path, known.options, learning);
    await folder.requireFreeOut();
    this.#isOurs = true;
    if (await folder.hasResult()) {
      const { result } = (await readRecord(folder.resultPath))!;
      await folder.publish();
      return result!;
    }

    const position = (await this.#position()) ?? { progress: begun };
    const log = undo.later(await TrainLog.open(folder.path, position.progress.logBytes), (file) => file.close());
    let page: LivePage | undefined;
    const channel = new EventChannel(log, folder.path, (event) => {
      if (event.type === "step") this.#hasSteps = true;
      page?.onEvent(event);
      onEvent?.(event);
    });
    // What the disk refuses of a warning is told by the next line that it refuses.
    const warn = (message: string) => void channel.warn(message).catch(() => undefined);
    page = await this.#openPage(log, position.progress.steps > 0, warn);
    let stage = position.progress.stage;
    let ready = await this.#ready(stage, channel);
    const record = await this.#survey(stage, ready, known);
    const backend = undo.later(await nodeBackend(this.options), (engine) => engine.dispose());
    const results: StageResult[] = [];
    for (let { progress, checkpoint }: Position = position; ; checkpoint = undefined) {
      requireSameFiles(folder.path, "data", record.data[stage], ready.data.fingerprints);
      const training = new StageTraining({
        ...{ options: this.options, folder, ...ready, backend, channel, log, from: progress, checkpoint },
      });
      const end = await training.run();
      results.push(end.result);
      this.#skipped.set(stage, ready.data.skipped);
      progress = end.progress;
      if (stage === learning.stages.length - 1) {
        const result: TrainResult = {
          ...{ folder: this.options.out, parameters: ready.start.parameters, dtype: learning.dtype },
          ...{ steps: progress.steps, samples: progress.samples, seconds: progress.seconds, stages: results },
          ...{
            resumedAt: position.progress.steps,
            skipped: sum([...this.#skipped.values()]),
            warnings: channel.warnings,
          },
        };
        const told = await training.finish(end, { record: { ...record, result }, page });
        await folder.publish();
        onEvent?.(told);
        return result;
      }
      await training.saveStage(end);
      await Promise.all([ready.data.close(), ready.start.close()]);
      stage += 1;
      ready = await this.#ready(stage, channel);
      progress = (await this.#position())!.progress;
    }
  }

  async #openPage(log: TrainLog, goesOn: boolean, onWarning: (message: string) => void): Promise<LivePage> {
    const page = await LivePage.open({
      path: join(this.folder.path, pageFile),
      title: `Training of ${basename(this.options.out)}`,
      ...(goesOn && { log: log.path }),
      onWarning,
    });
    return this.undo.later(page, (one) => one.close());
  }

  #position(): Promise<Position | undefined> {
    return this.folder.position(this.options.learning.stages.map(({ name }) => name));
  }

  async #outcome(): Promise<string> {
    const position = await this.#position();
    return position ? `its first ${position.progress.steps} steps are saved in ${this.folder.path}` : nothingWritten;
  }

  /** Opens what a stage begins with: the model of the stage before, and its data. */
  async #ready(index: number, channel: EventChannel): Promise<ReadyStage> {
    const { learning, keeping, signal, onEvent, worker } = this.options;
    const stage = learning.stages[index]!;
    const before = index > 0 ? learning.stages[index - 1]!.name : null;
    const from = before === null ? learning.from : { model: this.folder.stagePath(before) };
    const opened = await openStart({ from, seed: learning.seed, presetFolder: this.folder.startPath, signal });
    const start = this.undo.later(forStage(opened, stage), (one) => one.close());
    if (stage.name !== null) requireOrder(start, stage.name);
    const { imageSize: cropSize, mean, std } = start.config.vision;
    this.#pictures ??= this.undo.later(
      new PictureStore({
        prepare: { cropSize, mean, std },
        cacheBytes: keeping.pictureCacheBytes,
        threads: worker === false ? 0 : pictureThreads,
      }),
      (store) => store.dispose(),
    );
    const following = {
      ...{ onReading: onEvent, onData: channel.emit, signal, outcome: await this.#outcome() },
      onSkipped: ({ name, reason }: SkippedSample) => channel.warn(`${name} is left out: ${reason}`),
    };
    const opening = StageData.open({ stage, learning, keeping, start, pictures: this.#pictures, ...following });
    const data = this.undo.later(await opening, (one) => one.close());
    return { start, data };
  }

  /**
   * Looks at the data of the stages to come, so that hours of training do not end in front of a missing or a changed file, and
   * writes down what a training begins with.
   *
   * @throws RESUME_REFUSED for data that are not those of the record
   */
  async #survey(first: number, { start, data }: ReadyStage, known: RunRecord | undefined): Promise<RunRecord> {
    const { learning, keeping, threads, signal, onEvent } = this.options;
    const prints: StageFingerprints[] = [data.fingerprints];
    this.#requireMemory(learning.stages[first]!, { start, data });
    let later = start;
    for (const stage of learning.stages.slice(first + 1)) {
      later = forStage(later, stage);
      const given = { stage, learning, keeping, start: later, pictures: this.#pictures!, onReading: onEvent, signal };
      const opened = await StageData.open({ ...given, outcome: await this.#outcome() });
      try {
        this.#requireMemory(stage, { start: later, data: opened });
        prints.push(opened.fingerprints);
      } finally {
        await opened.close();
      }
    }
    if (known) {
      if (first === 0) requireSameFiles(this.folder.path, "start", known.start, await this.#fingerprint(start));
      requireSameFiles(this.folder.path, "data", known.data.slice(first), prints);
      return known;
    }
    await this.#requireSpace(start);
    const record: RunRecord = {
      ...{ version: 2, options: learning, keeping, start: await this.#fingerprint(start), data: prints },
      machine: machineFacts(threads),
    };
    await writeRecord(this.folder.path, record);
    await this.folder.forgetOld();
    return record;
  }

  /** Adapters are trained on weights that are read again when they go on: then their contents count too. */
  #fingerprint(start: StartModel): Promise<Record<string, string>> {
    const contents = this.options.learning.stages[0]!.lora !== undefined;
    return fingerprintOf(start, { contents });
  }

  /** Throws MEMORY_INSUFFICIENT, and OPTION_INVALID for rules and adapters that fit nothing. */
  #requireMemory(stage: SettledStage, { start, data }: ReadyStage): void {
    const { config } = start;
    const { phases, heldout, datasets } = data;
    const options = workOptions(stage, this.options);
    requireMemory({ config, phases, heldout, datasets, options }, this.options.keeping.availableBytes);
  }

  /** Room for a checkpoint with two moments in float32, and for the model. */
  #requireSpace(start: StartModel): Promise<void> {
    const bytes = 12 * start.parameters + savedBytes(start, this.options.learning.dtype);
    return requireSpace(this.folder.path, this.folder.path, bytes);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
