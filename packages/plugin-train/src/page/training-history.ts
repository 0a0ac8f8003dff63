import type { Point } from "@fusion-vlm/plugin-kit";
import type {
  BeginEvent,
  CheckpointEvent,
  DataEvent,
  EndEvent,
  EvaluationEvent,
  SkippedStepEvent,
  SourceLoss,
  StepEvent,
  TrainEvent,
} from "../trainer/train-events.ts";
import { logEvents } from "./log-events.ts";
import { RecentNotes } from "./recent-notes.ts";
import { ThinnedCurve } from "./thinned-curve.ts";

/** Data files with a curve of their own; more than these nobody tells apart. */
const mostSources = 24;

/** Names on an axis, and stages. */
const mostMarks = 40;

/** The same kind of curve for each data file. */
export class SourceCurves {
  readonly #curves = new Map<string, ThinnedCurve>();
  /** Some data files have no curve, as there are too many. */
  incomplete = false;

  /** In the order in which the data files came. */
  get curves(): ReadonlyMap<string, ThinnedCurve> {
    return this.#curves;
  }

  add(step: number, losses: readonly SourceLoss[]): void {
    for (const { source, answer, answerTokens } of losses) {
      let curve = this.#curves.get(source);
      if (curve === undefined && this.#curves.size >= mostSources) {
        this.incomplete = true;
        continue;
      }
      curve ??= new ThinnedCurve();
      this.#curves.set(source, curve);
      curve.add(step, answer, answerTokens);
    }
  }

  dropAfter(step: number): void {
    for (const [source, curve] of this.#curves) {
      curve.dropAfter(step);
      if (curve.size === 0) this.#curves.delete(source);
    }
  }
}

/** A data file as it was checked. */
export interface DataFacts extends Omit<DataEvent, "type" | "skipped"> {
  readonly skipped: number;
  /** The first few of those left out, as people say it. */
  readonly named: readonly string[];
}

/** A stage as it last began. */
export interface StageFacts extends BeginEvent {
  /** Steps of the stages before; undefined where the history does not reach back to its beginning. */
  readonly start: number | undefined;
}

/** Where something else began: x is its first step. */
export interface Beginning {
  readonly x: number;
  readonly label: string;
}

/**
 * What a page tells of a training: bounded in size, whatever the number of steps.
 *
 * A training that is resumed goes on from the steps that its `begin` names: later ones, which it has lost, are forgotten.
 */
export class TrainingHistory {
  readonly loss = new ThinnedCurve();
  readonly answer = new ThinnedCurve();
  readonly visionToText = new ThinnedCurve();
  readonly textToVision = new ThinnedCurve();
  readonly learningRate = new ThinnedCurve();
  readonly gradientNorm = new ThinnedCurve();
  readonly samplesPerSecond = new ThinnedCurve();
  readonly gflops = new ThinnedCurve();
  /** Answer losses of steps. */
  readonly sources = new SourceCurves();

  readonly heldOut = {
    answer: new ThinnedCurve(),
    exactMatch: new ThinnedCurve(),
    tokenAccuracy: new ThinnedCurve(),
    sources: new SourceCurves(),
  };
  readonly checkpoints = new ThinnedCurve();
  readonly skippedSteps = new ThinnedCurve();

  readonly data = new Map<string, DataFacts>();
  readonly warnings = new RecentNotes();
  readonly skippedNotes = new RecentNotes();
  readonly resumed = new RecentNotes();

  last: StepEvent | undefined;
  lastEvaluation: EvaluationEvent | undefined;
  lastCheckpoint: CheckpointEvent | undefined;
  end: EndEvent | undefined;
  /** Of all steps, those included that were done again after it was resumed. */
  samples = 0;
  /** Of all steps, without what lies between trainings. */
  seconds = 0;
  /** Lines of the log that were no events. */
  unreadable = 0;

  #stages: StageFacts[] = [];
  #bests: EvaluationEvent[] = [];
  #stageMarks: Beginning[] = [];
  #phaseMarks: Beginning[] = [];

  /** The history that a log tells. Throws what the system says when it cannot be read. */
  static async read(log: string): Promise<TrainingHistory> {
    const history = new TrainingHistory();
    const onUnreadable = () => {
      history.unreadable++;
    };
    for await (const event of logEvents(log, onUnreadable)) history.add(event);
    return history;
  }

  get stages(): readonly StageFacts[] {
    return this.#stages;
  }

  get best(): EvaluationEvent | undefined {
    return this.#bests.at(-1);
  }

  /** Where stages begin; data files for a training without stages. */
  get beginnings(): readonly Beginning[] {
    return this.#stageMarks.length > 0 ? this.#stageMarks : this.#phaseMarks;
  }

  /** From the first step to the last one. */
  get range(): Point {
    return [this.loss.points[0]?.[0] ?? 0, this.last?.step ?? 0];
  }

  add(event: TrainEvent): void {
    switch (event.type) {
      case "data":
        this.data.set(event.source, dataFacts(event));
        return;
      case "begin":
        this.#begin(event);
        return;
      case "step":
        this.#step(event);
        return;
      case "skipped-step":
        this.skippedSteps.add(event.step, 1);
        this.skippedNotes.add(skippedNote(event));
        return;
      case "evaluation":
        this.#evaluation(event);
        return;
      case "checkpoint":
        this.checkpoints.add(event.step, 1);
        this.lastCheckpoint = event;
        return;
      case "warning":
        this.warnings.add(event.message);
        return;
      case "end":
        this.end = event;
    }
  }

  #begin(event: BeginEvent): void {
    const { stage, stepsBefore } = event;
    const known = this.last?.step ?? 0;
    if (stepsBefore < known) this.#dropAfter(stepsBefore);
    if (this.end || stepsBefore < known) this.resumed.add(`Resumed after step ${stepsBefore}.`);
    this.end = undefined;
    const index = this.#stages.findIndex((earlier) => earlier.stage === stage);
    const start = index === -1 ? (stepsBefore <= known ? stepsBefore : undefined) : this.#stages[index]!.start;
    if (index !== -1) this.#stages.length = index;
    this.#stages.push({ ...event, start });
    if (this.#stages.length > mostMarks) this.#stages.shift();
  }

  #step(event: StepEvent): void {
    const { step, stage, phase } = event;
    this.last = event;
    this.samples += event.samples;
    if (Number.isFinite(event.seconds)) this.seconds += event.seconds;
    this.loss.add(step, event.loss);
    this.answer.add(step, event.answer);
    this.visionToText.add(step, event.visionToText);
    this.textToVision.add(step, event.textToVision);
    this.learningRate.add(step, event.learningRate);
    this.gradientNorm.add(step, event.gradientNorm);
    // Before there is a rate, while programs are compiled, it is told as 0.
    if (event.samplesPerSecond > 0) this.samplesPerSecond.add(step, event.samplesPerSecond);
    if (event.gflops > 0) this.gflops.add(step, event.gflops);
    this.sources.add(step, event.sources);
    if (stage !== null) addMark(this.#stageMarks, step, `stage ${stage}`);
    addMark(this.#phaseMarks, step, phase);
  }

  #evaluation(event: EvaluationEvent): void {
    const { step } = event;
    this.lastEvaluation = event;
    this.heldOut.answer.add(step, event.answer);
    this.heldOut.exactMatch.add(step, event.exactMatch);
    this.heldOut.tokenAccuracy.add(step, event.tokenAccuracy);
    this.heldOut.sources.add(step, event.sources);
    if (!event.best) return;
    this.#bests.push({ ...event, sources: [] });
    if (this.#bests.length > mostMarks) this.#bests.shift();
  }

  #dropAfter(step: number): void {
    for (const part of [this, this.heldOut]) {
      for (const value of Object.values(part)) {
        if (value instanceof ThinnedCurve || value instanceof SourceCurves) value.dropAfter(step);
      }
    }
    const upTo = (marks: Beginning[]) => marks.filter(({ x }) => x <= step);
    this.#stageMarks = upTo(this.#stageMarks);
    this.#phaseMarks = upTo(this.#phaseMarks);
    this.#bests = this.#bests.filter((best) => best.step <= step);
    if (this.lastEvaluation && this.lastEvaluation.step > step) this.lastEvaluation = undefined;
    if (this.lastCheckpoint && this.lastCheckpoint.step > step) this.lastCheckpoint = undefined;
  }
}

function addMark(marks: Beginning[], x: number, label: string): void {
  if (marks.at(-1)?.label === label || marks.length >= mostMarks) return;
  marks.push({ x, label });
}

function dataFacts({ type: _, skipped, ...facts }: DataEvent): DataFacts {
  const named = skipped.slice(0, 3).map(({ record, unit, reason }) => `${unit} ${record} (${reason})`);
  return { ...facts, skipped: skipped.length, named };
}

function skippedNote({ step, reason, batch }: SkippedStepEvent): string {
  const note = `Step ${step} was skipped: ${reason}.`;
  if (batch.length === 0) return note;
  return `${note} Its samples: ${batch.slice(0, 3).join(", ")}${batch.length > 3 ? ", …" : "."}`;
}
