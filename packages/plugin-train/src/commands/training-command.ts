import { FusionCommand } from "@fusion-vlm/plugin-kit";
import type { TrainOptions } from "../options/train-options.ts";
import { renderTraining } from "../presenters/train-lines.ts";
import { TrainReporter } from "../presenters/train-reporter.ts";
import type { TrainResult } from "../trainer/train-result.ts";

/** A command that trains: shows how it goes, and what came of it. */
export abstract class TrainingCommand extends FusionCommand<TrainResult> {
  protected async follow(
    train: (following: Pick<TrainOptions, "signal" | "onEvent">) => Promise<TrainResult>,
  ): Promise<TrainResult> {
    const reporter = new TrainReporter({
      note: (text) => this.note(text),
      progress: (options) => this.progress(options),
      redraws: process.stderr.isTTY ?? false,
    });
    const message =
      "finishing this step, then saving; another Ctrl-C ends it at once: it then goes on from the last checkpoint";
    this.abortSignal.addEventListener("abort", () => this.note(message), { once: true });
    const result = await train({ signal: this.abortSignal, onEvent: reporter.onEvent }).finally(() =>
      reporter.finish(),
    );
    return this.present(result, renderTraining);
  }
}
