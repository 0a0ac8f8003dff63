import { defaultLatents } from "@fusion-vlm/core";
import type { Dataset } from "../dataset/dataset.ts";
import { closeData, type GivenData, type OpenedData, openData } from "../dataset/open-data.ts";
import { SamplePlanner } from "../dataset/sample-planner.ts";
import type { SettledOptions, SettledStage } from "../options/settle-options.ts";
import type { PictureStore } from "../pictures/picture-store.ts";
import type { StageFingerprints } from "../training-folder/run-record.ts";
import { throwIfAborted } from "./abort.ts";
import { Evaluator } from "./evaluator.ts";
import { Phase, type PhaseOptions, type SkippedSample } from "./phase.ts";
import type { StartModel } from "./start-model.ts";
import type { DataEvent, ReadingEvent } from "./train-events.ts";

export interface StageDataOptions {
  readonly stage: SettledStage;
  readonly learning: SettledOptions["learning"];
  readonly keeping: Pick<SettledOptions["keeping"], "maxSkipped">;
  /** With the stage's own λ, set of Q and longest sample. */
  readonly start: StartModel;
  readonly pictures: PictureStore;
  /** Called as records are read. */
  readonly onReading?: (event: ReadingEvent) => void;
  /** Called as soon as a file has been read; the next one waits for it. */
  readonly onData?: (event: DataEvent) => Promise<void>;
  /** Called for a sample that turns out to be of no use when its turn comes. */
  readonly onSkipped?: (sample: SkippedSample) => Promise<void>;
  readonly signal?: AbortSignal;
  /** What has become of the training so far, for whom the signal stops. */
  readonly outcome: string;
}

interface StageFiles {
  readonly training: readonly OpenedData[];
  readonly heldout: readonly OpenedData[];
}

/** A phase and the data files that it goes through. */
export interface PhaseData {
  readonly phase: Phase;
  readonly datasets: readonly Dataset[];
}

/** The data of a stage: every record checked and measured, every picture looked for. */
export class StageData {
  private constructor(
    readonly parts: readonly PhaseData[],
    readonly evaluator: Evaluator | undefined,
    private readonly opened: StageFiles,
  ) {}

  /** Throws DATASET_INVALID naming file and record. */
  static async open(options: StageDataOptions): Promise<StageData> {
    const { stage, learning, pictures, onSkipped, start } = options;
    const { config } = start;
    const { images } = learning;
    const training = await read(
      stage.data.map(({ file }) => ({ file, images })),
      options,
    );
    try {
      const heldout = await read(
        (stage.heldout ?? []).map((file) => ({ file, images })),
        options,
      );
      const phaseOptions: PhaseOptions = { config, pictures, shapes: stage.shapes, onSkipped };
      const evaluator =
        heldout.length === 0
          ? undefined
          : new Evaluator({
              heldout: phaseOf("held-out", heldout, phaseOptions).phase,
              latents: defaultLatents(config),
              microBatch: stage.microBatch,
              mappingWeight: config.mappingWeight,
            });
      const parts = stage.mix
        ? [phaseOf(training.map(({ name }) => name).join(" + "), training, phaseOptions)]
        : training.map((data) => phaseOf(data.name, [data], phaseOptions));
      return new StageData(parts, evaluator, { training, heldout });
    } catch (error) {
      await closeData(training);
      throw error;
    }
  }

  get datasets(): readonly Dataset[] {
    return this.parts.flatMap(({ datasets }) => datasets);
  }

  get phases(): readonly Phase[] {
    return this.parts.map(({ phase }) => phase);
  }

  /** Absent where nothing is held out. */
  get heldout(): Phase | undefined {
    return this.evaluator?.heldout;
  }

  /** What has to be the same for a training to go on. */
  get fingerprints(): StageFingerprints {
    const prints = (opened: readonly OpenedData[]) =>
      opened.flatMap(({ datasets }) => datasets.map(({ fingerprint }) => fingerprint));
    return { training: prints(this.opened.training), heldout: prints(this.opened.heldout) };
  }

  /** Samples left out so far. */
  get skipped(): number {
    const datasets = [...this.opened.training, ...this.opened.heldout].flatMap((data) => data.datasets);
    return datasets.reduce((sum, { skipped }) => sum + skipped.length, 0);
  }

  async close(): Promise<void> {
    await closeData(this.opened.training);
    await closeData(this.opened.heldout);
  }
}

function read(given: readonly GivenData[], options: StageDataOptions): Promise<OpenedData[]> {
  const { learning, keeping, start, signal, outcome, onReading, onData } = options;
  const { seed } = learning;
  const { maxSkipped } = keeping;
  return openData(given, {
    ...{ planner: new SamplePlanner(start.config, start.tokenizer), maxSkipped, seed },
    onRecord: (file, records) => {
      throwIfAborted(signal, outcome);
      onReading?.({ type: "reading", file, records });
    },
    onDataset: (dataset) => onData?.({ type: "data", ...dataset.summary() }),
  });
}

function phaseOf(name: string, opened: readonly OpenedData[], options: PhaseOptions): PhaseData {
  const datasets = opened.flatMap((data) => data.datasets);
  return { phase: new Phase(name, datasets, options), datasets };
}
