import { FusionCommand, numberFlag } from "@fusion-vlm/plugin-kit";
import { type EstimateOptions, estimateTraining, type TrainingEstimate } from "../estimate/estimate-training.ts";
import { memoryError } from "../estimate/require-memory.ts";
import { renderEstimate } from "../presenters/estimate-lines.ts";
import { TrainReporter } from "../presenters/train-reporter.ts";
import { dataOf, requireFlags } from "./train.ts";
import { trainFlags } from "./train-flags.ts";
import { loraOf, rulesOf } from "./train-rules.ts";

/** What is written and how it ends matters to a training alone. */
const { out: _, dtype: __, "save-on-interrupt": ___, ...sharedFlags } = trainFlags;

export class TrainEstimate extends FusionCommand<TrainingEstimate> {
  static override summary = "Say how large a training is, whether it fits into memory, and how long it takes.";
  static override description =
    "Reads model and data as fusion train does, counts parameters, tokens, arithmetic and memory, and runs a few steps where they are short. Nothing is written. Exit code 1 where the training does not fit into the memory of this machine, or into --memory.";
  static override examples = [
    "<%= config.bin %> train estimate --model nano --data train.json --epochs 3",
    "<%= config.bin %> train estimate --model my-model --data train.json --batch-size 64 --gradient-checkpointing --json",
  ];
  static override flags = {
    ...sharedFlags,
    memory: numberFlag({
      min: 1,
      description: "Memory that there is, in MB, to plan for another machine. Default: what this one can give.",
      helpValue: "MB",
    }),
  };

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
    const cacheMegabytes = flags["picture-cache"];
    const options: EstimateOptions = {
      model: model.value,
      data: dataOf(flags),
      mix: flags.mix,
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
      maxSkipped: flags["max-skipped"],
      pictureCacheBytes: cacheMegabytes === undefined ? undefined : cacheMegabytes * 1e6,
      device: device.value,
      threads: threads?.value,
      availableBytes: flags.memory === undefined ? undefined : flags.memory * 1e6,
      signal: this.abortSignal,
      onEvent: reporter.onEvent,
    };
    requireFlags({ ...options, out: "" });
    const estimate = await estimateTraining(options).finally(() => reporter.finish());
    const { available, fits, cure, ...memory } = estimate.memory;
    this.present(estimate, renderEstimate);
    if (!fits) throw memoryError(memory, available, cure ?? undefined);
    return estimate;
  }
}
