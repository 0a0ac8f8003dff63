import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FusionError, openWeights, toFloat32, type WeightStore, writeWeights } from "@fusion-vlm/core";
import type { TrainingState } from "@fusion-vlm/core/train";
import { writing } from "@fusion-vlm/plugin-kit";
import { saveModel } from "../trainer/save-model.ts";
import type { StartModel } from "../trainer/start-model.ts";

/** How far a training is: with the weights and moments beside it, all that the next step depends on. */
export interface Progress {
  /** Index of the stage that is under way. */
  readonly stage: number;
  /** Index of the stage's phase, and steps of that phase done: the position in the data, and of every random stream. */
  readonly phase: number;
  readonly phaseSteps: number;
  /** Steps of the stage, skipped ones included. */
  readonly stageSteps: number;
  /** Steps of all stages. */
  readonly steps: number;
  readonly samples: number;
  /** Seconds that the stage has taken, and all stages. */
  readonly stageSeconds: number;
  readonly seconds: number;
  /** Bytes of the log that belong to it. */
  readonly logBytes: number;
  /** Losses of the last steps, by which a spike is told. */
  readonly recentLosses: readonly number[];
  /** Batches left out in a row. */
  readonly skippedInARow: number;
  /** Lowest held-out answer loss of the stage, and evaluations since then. */
  readonly best: { readonly step: number; readonly answer: number } | null;
  readonly evaluationsSinceBest: number;
  /** Steps of the stage at its last evaluation. */
  readonly evaluatedAt: number;
}

export const begun: Progress = {
  ...{ stage: 0, phase: 0, phaseSteps: 0, stageSteps: 0, steps: 0, samples: 0, stageSeconds: 0, seconds: 0 },
  ...{ logBytes: 0, recentLosses: [], skippedInARow: 0, best: null, evaluationsSinceBest: 0, evaluatedAt: 0 },
};

interface ProgressFile extends Progress {
  readonly version: 1;
  /** Updates that the optimiser has made in this stage. */
  readonly updates: number;
}

const progressFile = "progress.json";
const optimizerFolder = "optimizer";

/**
 * Writes a checkpoint into a folder: a model folder in float32, the optimiser's state in `optimizer/`, and `progress.json`.
 *
 * @throws WRITE_FAILED when the disk refuses
 */
export async function writeCheckpoint(
  folder: string,
  { start, state, progress }: { start: StartModel; state: TrainingState; progress: Progress },
): Promise<void> {
  await saveModel(folder, { start, parameters: await state.read(), dtype: "float32" });
  const optimizer = join(folder, optimizerFolder);
  await writing(optimizer, () => mkdir(optimizer));
  await writeWeights(optimizer, state.optimizerState());
  await writeProgress(folder, progress, state.steps);
}

/** Writes `progress.json` alone: into the model that a stage ends with. */
export async function writeProgress(folder: string, progress: Progress, updates = 0): Promise<void> {
  const path = join(folder, progressFile);
  const contents: ProgressFile = { version: 1, ...progress, updates };
  await writing(path, () => writeFile(path, `${JSON.stringify(contents, null, 2)}\n`));
}

/** Throws RESUME_REFUSED for a file that this version has not written. */
export async function readProgress(folder: string): Promise<ProgressFile> {
  const path = join(folder, progressFile);
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw damaged(path, cause.code ?? String(cause), cause);
  });
  let contents: Partial<ProgressFile>;
  try {
    contents = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, "a mistake in it", cause);
  }
  if (contents.version === 1) return contents as ProgressFile;
  throw damaged(path, `version ${String(contents.version)}`);
}

/** A checkpoint that a training goes on from. */
export class OpenCheckpoint {
  private constructor(
    readonly folder: string,
    readonly progress: Progress,
    private readonly updates: number,
    private readonly model: WeightStore,
    private readonly optimizer: WeightStore,
  ) {}

  static async open(folder: string): Promise<OpenCheckpoint> {
    const { version: _, updates, ...progress } = await readProgress(folder);
    const model = await openWeights(folder);
    try {
      return new OpenCheckpoint(folder, progress, updates, model, await openWeights(join(folder, optimizerFolder)));
    } catch (error) {
      await model.close();
      throw error;
    }
  }

  /** A parameter of the model, float32. */
  readonly read = async (name: string): Promise<Float32Array> => toFloat32(await this.model.read(name));

  async restore(state: TrainingState): Promise<void> {
    const read = async (name: string) => toFloat32(await this.optimizer.read(name));
    await state.restore({ steps: this.updates, read });
  }

  async close(): Promise<void> {
    await this.model.close();
    await this.optimizer.close();
  }
}

function damaged(path: string, actual: string, cause?: unknown): FusionError {
  return new FusionError({
    code: "RESUME_REFUSED",
    at: path,
    expected: "what a checkpoint of this version says of itself",
    actual,
    hint: "Remove this checkpoint, so that the one before it is taken; or begin again with --restart.",
    cause,
  });
}
