import { FusionCommand, loadConfig } from "@fusion-vlm/plugin-kit";
import { type EstimateOptions, estimateTraining, type TrainingEstimate } from "../estimate/estimate-training.ts";
import { memoryError } from "../estimate/require-memory.ts";
import { renderEstimate } from "../presenters/estimate-lines.ts";
import { TrainReporter } from "../presenters/train-reporter.ts";
import { givenOptions, requireFlags } from "./given-options.ts";
import { keepingFlags, keepingOf, trainingFlags } from "./train-flags.ts";

/** What is written matters to a training alone. */
const { dtype: _, result: __, ...sharedFlags } = trainingFlags;
const { memory, "max-skipped": maxSkipped, "picture-cache": pictureCache } = keepingFlags;

export class TrainEstimate extends FusionCommand<TrainingEstimate> {
  static override summary = "Say how large a training is, whether it fits into memory, and how long it takes.";
  static override description =
    "Reads model and data as fusion train does, counts parameters, tokens, arithmetic and memory of each stage, and runs a few steps where they are short. Nothing is written. Exit code 1 where the training does not fit into the memory of this machine, or into --memory.";
  static override examples = [
    "<%= config.bin %> train estimate --preset nano --data train.json --epochs 3",
    "<%= config.bin %> train estimate --model my-model --data train.json --batch-size 64 --gradient-checkpointing --json",
    "<%= config.bin %> train estimate --preset nano --stage all --data 1=captions.json --data 1.5=mix.yaml --data 2=chats.json",
  ];
  static override flags = { ...sharedFlags, "max-skipped": maxSkipped, "picture-cache": pictureCache, memory };

  async run(): Promise<TrainingEstimate> {
    const { flags } = await this.parse(TrainEstimate);
    const { model, device, threads } = await this.settings({
      model: flags.model,
      device: flags.device,
      threads: flags.threads,
    });
    const reporter = new TrainReporter({
      note: (text) => this.note(text),
      progress: (options) => this.progress(options),
      redraws: process.stderr.isTTY ?? false,
    });
    const options: EstimateOptions = {
      ...givenOptions(flags, await loadConfig(process.cwd()), model.value),
      device: device.value,
      threads: threads?.value,
      ...keepingOf(flags),
      signal: this.abortSignal,
      onEvent: reporter.onEvent,
    };
    requireFlags({ ...options, out: "" });
    const estimate = await estimateTraining(options).finally(() => reporter.finish());
    this.present(estimate, renderEstimate);
    for (const { memory } of estimate.stages) {
      const { available, fits, cure, ...parts } = memory;
      if (!fits) throw memoryError(parts, available, cure ?? undefined);
    }
    return estimate;
  }
}
