import { loadConfig } from "@fusion-vlm/plugin-kit";
import type { TrainOptions } from "../options/train-options.ts";
import { trainModel } from "../trainer/train-model.ts";
import type { TrainResult } from "../trainer/train-result.ts";
import { givenOptions, requireFlags } from "./given-options.ts";
import { keepingFlags, keepingOf, outFlag, trainingFlags } from "./train-flags.ts";
import { TrainingCommand } from "./training-command.ts";

export class Train extends TrainingCommand {
  static override summary = "Train a FUSION model on pictures, captions and questions.";
  static override description =
    "Writes a model folder, which appears when it is complete, with a log (train-log.jsonl) and the effective configuration (training.json). While it runs, OUT.training holds checkpoints and a page of curves (training.html). After Ctrl-C, a crash or kill -9, the same command, or fusion train resume, goes on from there, bit by bit as if nothing had happened.";
  static override examples = [
    "<%= config.bin %> train --preset nano --data train.json --out my-model --max-minutes 10",
    "<%= config.bin %> train --preset nano --stage all --data 1=captions.json --data 1.5=mix.yaml --data 2=chats.json --out my-model",
    "<%= config.bin %> train --preset nano --data captions.json --data questions.json --epochs 1 --epochs 3 --out my-model",
    "<%= config.bin %> train --model my-model --data more.jsonl --heldout test.json --patience 3 --out my-model-2",
  ];
  static override aliases = ["train:run"];
  static override flags = { ...trainingFlags, ...outFlag, ...keepingFlags };

  async run(): Promise<TrainResult> {
    const { flags } = await this.parse(Train);
    const { model, device, threads } = await this.settings({
      model: flags.model,
      device: flags.device,
      threads: flags.threads,
    });
    const options: TrainOptions = {
      ...givenOptions(flags, await loadConfig(process.cwd()), model.value),
      ...keepingOf(flags),
      out: flags.out,
      device: device.value,
      threads: threads?.value,
      restart: flags.restart,
    };
    requireFlags(options);
    return this.follow((following) => trainModel({ ...options, ...following }));
  }
}
