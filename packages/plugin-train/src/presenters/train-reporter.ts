import { type Progress, type ProgressOptions, printableLine } from "@fusion-vlm/plugin-kit";
import type { TrainEvent } from "../trainer/train-events.ts";
import { beginLine, dataLines, evaluationLine, skippedStepLine, stepLine } from "./train-lines.ts";

/** Where a training's progress goes: lines that stay, and one that is redrawn. */
export interface ReportTarget {
  note(text: string): void;
  progress(options: Omit<ProgressOptions, "stream">): Progress;
  /** A line can be redrawn; else steps are noted now and then. */
  readonly redraws: boolean;
  /** Milliseconds; for tests. */
  readonly clock?: () => number;
}

const redrawEveryMs = 200;
const noteEveryMs = 15_000;

/** Tells a person how a training goes. */
export class TrainReporter {
  readonly #target: ReportTarget;
  readonly #clock: () => number;
  #line: Progress | undefined;
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(target: ReportTarget) {
    this.#target = target;
    this.#clock = target.clock ?? (() => performance.now());
  }

  readonly onEvent = (event: TrainEvent): void => {
    switch (event.type) {
      case "reading":
        this.#line ??= this.#target.progress({ label: `reading ${event.file}`, unit: "records" });
        this.#line.update(event.records);
        return;
      case "data":
        this.#note(dataLines(event));
        return;
      case "begin":
        this.#note(beginLine(event));
        this.#show("compiling");
        return;
      case "warning":
        this.#note(`Note: ${printableLine(event.message)}`);
        return;
      case "evaluation":
        this.#note(evaluationLine(event));
        return;
      case "skipped-step":
        this.#note(skippedStepLine(event));
        return;
      case "checkpoint":
        return;
      case "step":
        this.#step(stepLine(event));
        return;
      case "saving":
        this.finish();
        this.#show("saving");
        return;
      case "end":
        this.finish();
    }
  };

  /** Removes the line that is redrawn. */
  finish(): void {
    this.#line?.finish();
    this.#line = undefined;
  }

  #step(text: string): void {
    const now = this.#clock();
    const { redraws } = this.#target;
    if (now - this.#shownAt < (redraws ? redrawEveryMs : noteEveryMs)) return;
    this.#shownAt = now;
    if (redraws) this.#show(text);
    else this.#target.note(text);
  }

  #show(label: string): void {
    this.#line = this.#target.progress({ label });
    this.#line.begin();
  }

  #note(text: string): void {
    this.finish();
    this.#target.note(text);
  }
}
