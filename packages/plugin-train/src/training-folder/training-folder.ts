import { lstat, mkdir, readdir, rename, rm, rmdir, stat, symlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { FusionError, makeFolders } from "@fusion-vlm/core";
import type { TrainingState } from "@fusion-vlm/core/train";
import { flushFolder, OutputFolder, writing } from "@fusion-vlm/plugin-kit";
import type { StageName } from "../options/stage-names.ts";
import type { StartModel } from "../trainer/start-model.ts";
import { type Progress, readProgress, writeCheckpoint } from "./checkpoint.ts";
import { LockFile } from "./lock-file.ts";

/** Where a training that is under way keeps what it needs to go on. */
export function trainingFolderOf(out: string): string {
  return `${resolve(out)}.training`;
}

const checkpointName = /^checkpoint-(\d{8,})$/;
/** A training before this one, until this one has begun. */
const oldFolder = "before-restart";
/** The same while its files are on their way there, or back. */
const movingFolder = "before-restart.moving";
/** What a process that was killed may have left on its way. */
const halfWritten = /^\..*\.(?:partial|tmp)$|\.tmp$/;

/** Where a training goes on. */
export interface Position {
  readonly progress: Progress;
  /** The checkpoint to go on from; absent at the beginning of a stage. */
  readonly checkpoint?: string;
}

/**
 * The folder `OUT.training` of a training that is under way.
 *
 *     training.json           options and fingerprints          start/      a preset's first weights
 *     train-log.jsonl         events                            stage-1/    the model that a stage ended with
 *     checkpoint-00000400/    model, optimizer/, progress.json  result/     the model, for a moment, before it becomes OUT
 *     last, best              links to checkpoints              lock        the process that writes here
 */
export class TrainingFolder {
  private constructor(
    readonly path: string,
    /** Absolute path of the model folder that comes of it. */
    readonly out: string,
    private readonly shownOut: string,
    private readonly lock: LockFile,
    /** It was made by this process. */
    readonly isNew: boolean,
  ) {}

  /** True where a training has been begun. */
  static async exists(out: string): Promise<boolean> {
    return (await entries(trainingFolderOf(out))) !== undefined;
  }

  /**
   * Opens the folder, or makes it, and locks it; what a killed process has left half-written in it is removed.
   *
   * @throws RESUME_REFUSED when another process trains there; WRITE_FAILED
   */
  static async open(out: string, { restart }: { restart: boolean }): Promise<TrainingFolder> {
    const path = trainingFolderOf(out);
    const isNew = (await entries(path)) === undefined;
    await writing(path, () => makeFolders(path), { expected: "a folder that can be made" });
    const lock = await LockFile.take(path);
    const folder = new TrainingFolder(path, resolve(out), out, lock, isNew || restart);
    try {
      for (const name of (await entries(path)) ?? []) {
        if (halfWritten.test(name)) await rm(join(path, name), { recursive: true, force: true });
      }
      await folder.#takeBack(); // of a restart that did not come to its beginning
      if (restart) await folder.#putAside();
    } catch (error) {
      await lock.release();
      throw error;
    }
    return folder;
  }

  /** Forgets the training before, which `restart` has put aside: the new one has begun. */
  async forgetOld(): Promise<void> {
    await rm(join(this.path, oldFolder), { recursive: true, force: true });
  }

  /** Kept until the new training has read its data: a wrong path must not cost the old one. */
  async #putAside(): Promise<void> {
    const names = ((await entries(this.path)) ?? []).filter((name) => name !== basename(this.lock.path));
    if (names.length === 0) return;
    const moving = join(this.path, movingFolder);
    await mkdir(moving);
    for (const name of names) await rename(join(this.path, name), join(moving, name));
    await rename(moving, join(this.path, oldFolder)); // complete now: what comes beside it is the new training's
  }

  /** Brings back what a restart has put aside, or was about to; also behind a process that was killed in the middle of either. */
  async #takeBack(): Promise<void> {
    const moving = join(this.path, movingFolder);
    const present = (await entries(this.path)) ?? [];
    if (present.includes(oldFolder)) {
      for (const name of present) {
        if (name === oldFolder || name === basename(this.lock.path)) continue;
        await rm(join(this.path, name), { recursive: true, force: true });
      }
      await rename(join(this.path, oldFolder), moving);
    }
    const names = await entries(moving);
    if (names === undefined) return;
    for (const name of names) await rename(join(moving, name), join(this.path, name));
    await rmdir(moving);
  }

  /**
   * Makes sure that nothing stands where the model will.
   *
   * @throws WRITE_FAILED for a folder with something in it, or a file
   */
  async requireFreeOut(): Promise<void> {
    if (this.shownOut === "") throw inTheWay('""', "no name", "Name the folder to write.");
    const present = await readdir(this.out).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT") return [];
      if (cause.code === "ENOTDIR") throw inTheWay(this.shownOut, "a file in its place");
      return writing(this.shownOut, () => Promise.reject(cause));
    });
    if (present.length > 0) throw inTheWay(this.shownOut, `a folder with ${present.slice(0, 4).join(", ")}`);
    const own = await lstat(this.out).catch(() => undefined);
    // Neither can be replaced by a folder that is renamed; better told now than behind hours of training.
    if (own?.isSymbolicLink()) throw inTheWay(this.shownOut, "a link", "Name the folder that it leads to.");
    if (own && own.dev !== (await lstat(dirname(this.out))).dev) {
      throw inTheWay(this.shownOut, "a mounted disk", "Name a folder on it.");
    }
  }

  /** The newest checkpoint, or the end of the last stage that is complete, whichever is later; undefined before both. */
  async position(stages: readonly (StageName | null)[]): Promise<Position | undefined> {
    const present = (await entries(this.path)) ?? [];
    const newest = (await this.#checkpoints()).at(-1);
    const ended = stages.findLastIndex((name) => name !== null && present.includes(stageFolder(name)));
    const end = ended < 0 ? undefined : await readProgress(this.stagePath(stages[ended]!));
    const progress = newest === undefined ? undefined : await readProgress(join(this.path, newest));
    // A stage's last checkpoint has its steps, but the stage is over.
    if (end && (!progress || progress.stage <= ended)) return { progress: endOfStage(end, ended) };
    return progress === undefined ? undefined : { progress, checkpoint: join(this.path, newest!) };
  }

  /** Where the model of a stage lies when the stage is over. */
  stagePath(stage: StageName): string {
    return join(this.path, stageFolder(stage));
  }

  /** A preset's first weights. */
  get startPath(): string {
    return join(this.path, "start");
  }

  /**
   * Writes a checkpoint, complete or not at all, points `last` (and `best`) at it, and removes those that are too old.
   *
   * @throws WRITE_FAILED
   */
  async checkpoint(
    contents: { start: StartModel; state: TrainingState; progress: Progress },
    keep: number,
  ): Promise<{ path: string; bytes: number }> {
    const name = checkpointOf(contents.progress.steps);
    const path = join(this.path, name);
    // A stop right behind a checkpoint has nothing to add to it.
    if (!((await entries(this.path)) ?? []).includes(name)) {
      const output = await OutputFolder.create(path);
      try {
        await writeCheckpoint(output.path, contents);
        await output.publish({ durable: true });
      } catch (error) {
        await output.remove();
        throw error;
      }
    }
    const { best } = contents.progress;
    await this.#point("last", name);
    if (best) await this.#point("best", checkpointOf(best.step));
    await this.#rotate(keep, best && checkpointOf(best.step));
    return { path, bytes: await bytesIn(path) };
  }

  /** The checkpoint of a step; undefined where it has not been kept. */
  async checkpointAt(step: number): Promise<string | undefined> {
    const name = checkpointOf(step);
    return (await this.#checkpoints()).includes(name) ? join(this.path, name) : undefined;
  }

  /** Forgets the checkpoints of a stage that is over. */
  async forgetCheckpoints(): Promise<void> {
    for (const link of ["last", "best"]) await rm(join(this.path, link), { force: true });
    for (const name of await this.#checkpoints()) await this.#remove(name);
  }

  /** The finished model, which waits to get its name. */
  get resultPath(): string {
    return join(this.path, "result");
  }

  /** True where a batch that would have spoilt the model is kept. */
  async hasEvidence(): Promise<boolean> {
    return ((await entries(this.path)) ?? []).some((name) => name.startsWith("diverged-"));
  }

  /** True when a process has died between writing the result and giving it its name. */
  async hasResult(): Promise<boolean> {
    return ((await entries(this.path)) ?? []).includes("result");
  }

  /** Gives the result its name. Throws WRITE_FAILED when something has come in its way. */
  async publish(): Promise<void> {
    await this.requireFreeOut();
    await writing(this.shownOut, async () => {
      await makeFolders(dirname(this.out));
      await rmdir(this.out).catch(unlessMissing); // Windows renames onto nothing
      await rename(this.resultPath, this.out);
      await flushFolder(dirname(this.out));
    });
  }

  /** Gives the lock back; removes the folder where it is of no use any more. A training that was put aside comes back. */
  async close({ remove }: { remove: boolean }): Promise<void> {
    const isAside = ((await entries(this.path)) ?? []).includes(oldFolder);
    if (isAside) await this.#takeBack();
    if (remove && !isAside) await rm(this.path, { recursive: true, force: true });
    else await this.lock.release();
  }

  /** Oldest first. */
  async #checkpoints(): Promise<string[]> {
    const names = ((await entries(this.path)) ?? []).filter((name) => checkpointName.test(name));
    return names.toSorted((a, b) => Number(checkpointName.exec(a)![1]) - Number(checkpointName.exec(b)![1]));
  }

  async #point(link: "last" | "best", name: string): Promise<void> {
    const path = join(this.path, link);
    const temporary = `${path}.tmp`;
    await writing(path, async () => {
      await rm(temporary, { force: true });
      // Windows makes links to folders without special rights only as junctions, which need a whole path.
      if (process.platform === "win32") await symlink(join(this.path, name), temporary, "junction");
      else await symlink(name, temporary);
      await rename(temporary, path);
    });
  }

  async #rotate(keep: number, best: string | null): Promise<void> {
    for (const name of (await this.#checkpoints()).slice(0, -keep)) {
      if (name !== best) await this.#remove(name);
    }
  }

  /** Renamed first: a checkpoint that is half removed must not be taken for one. */
  async #remove(name: string): Promise<void> {
    const aside = join(this.path, `.${name}.tmp`);
    await rename(join(this.path, name), aside);
    await rm(aside, { recursive: true, force: true });
  }
}

/** Where the stage behind a complete one begins. */
function endOfStage(end: Progress, stage: number): Progress {
  return {
    ...end,
    ...{ stage: stage + 1, phase: 0, phaseSteps: 0, stageSteps: 0, stageSeconds: 0 },
    ...{ recentLosses: [], skippedInARow: 0, best: null, evaluationsSinceBest: 0, evaluatedAt: 0 },
  };
}

function checkpointOf(step: number): string {
  return `checkpoint-${String(step).padStart(8, "0")}`;
}

function stageFolder(stage: StageName): string {
  return `stage-${stage}`;
}

/** Undefined where there is no such folder. */
async function entries(path: string): Promise<string[] | undefined> {
  return readdir(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    return writing(path, () => Promise.reject(cause));
  });
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}

function inTheWay(at: string, actual: string, hint = "Give another folder, or remove this one."): FusionError {
  return new FusionError({ code: "WRITE_FAILED", at, expected: "an empty folder or a new one", actual, hint });
}

function unlessMissing(cause: NodeJS.ErrnoException): void {
  if (cause.code !== "ENOENT") throw cause;
}
