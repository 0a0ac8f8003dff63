import { engineFlags } from "@fusion-vlm/plugin-kit";
import { Args } from "@oclif/core";
import { resumeTraining } from "../trainer/train-model.ts";
import type { TrainResult } from "../trainer/train-result.ts";
import { keepingFlags, keepingOf } from "./train-flags.ts";
import { TrainingCommand } from "./training-command.ts";

const { device, threads } = engineFlags;
const { restart: _, ...flags } = keepingFlags;

export class TrainResume extends TrainingCommand {
  static override summary = "Go on with a training that was stopped, was killed or has failed.";
  static override description =
    "With the options that it began with, from its newest checkpoint: on the same machine it ends with the same bits as a training that was never stopped. Data files that have changed are refused, with the difference.";
  static override examples = [
    "<%= config.bin %> train resume my-model",
    "<%= config.bin %> train resume my-model --on-divergence skip",
  ];
  static override args = {
    out: Args.string({ required: true, description: "The model folder that it was to write: --out of fusion train." }),
  };
  static override flags = { device, threads, ...flags };

  async run(): Promise<TrainResult> {
    const { args, flags } = await this.parse(TrainResume);
    const { device, threads } = await this.settings({ device: flags.device, threads: flags.threads });
    const options = { ...keepingOf(flags), out: args.out, device: device.value, threads: threads?.value };
    return this.follow((following) => resumeTraining({ ...options, ...following }));
  }
}
