import { FusionError } from "@fusion-vlm/core";
import { exitCodes, FusionCommand, UsageError } from "@fusion-vlm/plugin-kit";
import { renderTraining } from "../presenters/train-lines.ts";
import { TrainReporter } from "../presenters/train-reporter.ts";
import { type TrainResult, trainModel } from "../trainer/train-model.ts";
import { settleOptions, type TrainingData, type TrainOptions } from "../trainer/train-options.ts";
import { trainFlags } from "./train-flags.ts";
import { loraOf, rulesOf } from "./train-rules.ts";

export class Train extends FusionCommand<TrainResult> {
  static override summary = "Train a FUSION model on pictures, captions and questions.";
  static override description =
    "Writes a model folder with a log (train-log.jsonl). The folder appears when it is complete: Ctrl-C and failures leave nothing behind. Training ends at whichever of --epochs, --max-steps and --max-minutes comes first.";
  static override examples = [
    "<%= config.bin %> train --model nano --data train.json --out my-model --max-minutes 10",
    "<%= config.bin %> train --data captions.json --data questions.json --epochs 1 --epochs 3 --out my-model",
    "<%= config.bin %> train --model my-model --data more.jsonl --learning-rate 1e-4 --out my-model-2 --dtype float16",
  ];
  static override aliases = ["train:run"];
  static override flags = trainFlags;

  async run(): Promise<TrainResult> {
    const { flags } = await this.parse(Train);
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
    const cacheMegabytes = flags["picture-cache"];
    const options: TrainOptions = {
      model: model.value,
      data: dataOf(flags),
      mix: flags.mix,
      out: flags.out,
      images: flags.images,
      epochs: flags.epochs?.length === 1 ? flags.epochs[0] : undefined,
      maxSteps: flags["max-steps"],
      maxMinutes: flags["max-minutes"],
      batchSize: flags["batch-size"],
      microBatch: flags["micro-batch"],
      shapes: flags.shapes,
      learningRate: flags["learning-rate"],
      warmupRatio: flags["warmup-ratio"],
      schedule: flags.schedule,
      optimizer: flags.optimizer,
      rules: rulesOf(flags),
      lora: loraOf(flags),
      checkpointing: flags["gradient-checkpointing"],
      weightDecay: flags["weight-decay"],
      beta1: flags.beta1,
      beta2: flags.beta2,
      epsilon: flags.epsilon,
      maxGradientNorm: flags["max-gradient-norm"],
      mappingWeight: flags["mapping-weight"],
      latentCounts: flags.latents?.split(",").map(Number),
      seed: flags.seed,
      dtype: flags.dtype,
      maxSkipped: flags["max-skipped"],
      pictureCacheBytes: cacheMegabytes === undefined ? undefined : cacheMegabytes * 1e6,
      saveOnInterrupt: flags["save-on-interrupt"],
      device: device.value,
      threads: threads?.value,
      signal: this.abortSignal,
      onEvent: reporter.onEvent,
    };
    requireFlags(options);
    if (options.saveOnInterrupt) {
      const message = "finishing this step, then saving; another Ctrl-C ends it at once, without saving";
      this.abortSignal.addEventListener("abort", () => this.note(message), { once: true });
    }
    const result = await trainModel(options).finally(() => reporter.finish());
    if (result.interrupted) process.exitCode = exitCodes.interrupted;
    return this.present(result, renderTraining);
  }
}

/** Flags whose option has another name. */
const flagOf: Readonly<Record<string, string>> = { latentCounts: "latents", pictureCacheBytes: "picture-cache" };

/** Throws UsageError, naming the flag, for what the service would refuse naming its option. */
export function requireFlags(options: TrainOptions): void {
  try {
    settleOptions(options);
  } catch (error) {
    if (!FusionError.isInstance(error)) throw error;
    const { expected, actual } = error.details;
    const [option, file] = error.at.split(" of ", 2);
    const flag = flagOf[option!] ?? option!.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`--${flag}${file ? ` of ${file}` : ""}: expected ${expected}, got ${actual}`, {
      cause: error,
    });
  }
}

/** Flags given once per file, put together with the files. */
export function dataOf({
  data,
  epochs = [],
  share = [],
}: {
  data: string[];
  epochs?: number[];
  share?: number[];
}): TrainingData[] {
  if (epochs.length > 1 && epochs.length !== data.length) {
    throw new UsageError(`--epochs: expected one, or one for each of ${data.length} data files, got ${epochs.length}`);
  }
  if (share.length > 0 && share.length !== data.length) {
    throw new UsageError(`--share: expected one for each of ${data.length} data files, got ${share.length}`);
  }
  return data.map((file, index) => ({
    file,
    ...(epochs.length > 1 && { epochs: epochs[index] }),
    ...(share.length > 0 && { share: share[index] }),
  }));
}
