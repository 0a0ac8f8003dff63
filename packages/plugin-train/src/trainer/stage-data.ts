import { Cleanup, defaultLatents } from "@fusion-vlm/core";
import { Dataset } from "../dataset/dataset.ts";
import { SamplePlanner } from "../dataset/sample-planner.ts";
import type { SettledOptions, SettledStage } from "../options/settle-options.ts";
import type { PictureStore } from "../pictures/picture-store.ts";
import type { DataFingerprint, StageFingerprints } from "../training-folder/run-record.ts";
import { throwIfAborted } from "./abort.ts";
import { Evaluator } from "./evaluator.ts";
import { Phase } from "./phase.ts";
import type { StartModel } from "./start-model.ts";
import type { DataEvent, TrainEvent } from "./train-events.ts";

export interface StageDataOptions {
  readonly stage: SettledStage;
  readonly learning: SettledOptions["learning"];
  /** With the stage's own λ, set of Q and longest sample. */
  readonly start: StartModel;
  readonly pictures: PictureStore;
  readonly onReading?: (event: TrainEvent) => void;
  readonly signal?: AbortSignal;
  /** What has become of the training so far, for whom the signal stops. */
  readonly outcome: string;
}

/** The data of a stage: every record checked and measured, every picture looked for. */
export class StageData {
  private constructor(
    readonly phases: readonly Phase[],
    readonly evaluator: Evaluator | undefined,
    readonly fingerprints: StageFingerprints,
    /** What is told of each file. */
    readonly events: readonly DataEvent[],
    private readonly undo: Cleanup,
  ) {}

  /** Throws DATASET_INVALID naming file and record. */
  static async open(options: StageDataOptions): Promise<StageData> {
    const { stage, start } = options;
    const { config } = start;
    const undo = new Cleanup();
    try {
      const opener = new DatasetOpener(options, undo);
      const training: Dataset[] = [];
      for (const { file } of stage.data) training.push(await opener.open(file));
      const heldout: Dataset[] = [];
      for (const file of stage.heldout ?? []) heldout.push(await opener.open(file));
      const phaseOptions = { config, pictures: options.pictures, shapes: stage.shapes };
      const phases = stage.mix
        ? [new Phase(training.map(({ file }) => file).join(" + "), training, phaseOptions)]
        : training.map((dataset) => new Phase(dataset.file, [dataset], phaseOptions));
      const evaluator =
        heldout.length === 0
          ? undefined
          : new Evaluator({
              heldout: new Phase("held-out", heldout, phaseOptions),
              latents: defaultLatents(config),
              microBatch: stage.microBatch,
              mappingWeight: config.mappingWeight,
            });
      const fingerprints = { training: training.map(fingerprint), heldout: heldout.map(fingerprint) };
      return new StageData(phases, evaluator, fingerprints, opener.events, undo);
    } catch (error) {
      await undo.run().catch(() => undefined); // the first failure is the one to tell
      throw error;
    }
  }

  get skipped(): number {
    return this.events.reduce((sum, { skipped }) => sum + skipped.length, 0);
  }

  close(): Promise<void> {
    return this.undo.run();
  }
}

class DatasetOpener {
  readonly events: DataEvent[] = [];
  readonly #planner: SamplePlanner;

  constructor(
    private readonly options: StageDataOptions,
    private readonly undo: Cleanup,
  ) {
    const { config, tokenizer } = options.start;
    this.#planner = new SamplePlanner(config, tokenizer);
  }

  async open(file: string): Promise<Dataset> {
    const { learning, signal, onReading, outcome } = this.options;
    const onRecord = (records: number) => {
      throwIfAborted(signal, outcome);
      onReading?.({ type: "reading", file, records });
    };
    const { images, maxSkipped } = learning;
    const opened = await Dataset.open(file, { planner: this.#planner, images, maxSkipped, onRecord });
    const dataset = this.undo.later(opened, (one) => one.close());
    const { samples, pictures, skipped, cutInstructions } = dataset;
    this.events.push({ type: "data", file, samples: samples.length, pictures, skipped, cutInstructions });
    return dataset;
  }
}

function fingerprint({ file, samples }: Dataset): DataFingerprint {
  return { file, bytes: 0, records: 0, samples: samples.length, sha256: "", sampling: "all" };
}
