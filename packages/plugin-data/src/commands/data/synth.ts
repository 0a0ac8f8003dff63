import { FusionCommand, printableLine, seedFlag } from "@fusion-vlm/plugin-kit";
import { Flags } from "@oclif/core";
import { mostPictures } from "../../dataset/options.ts";
import { defaultHeldout, type SynthesizeResult, synthesize } from "../../dataset/synthesize-node.ts";
import { renderSynthResult } from "../../presenters/synth-result.ts";
import { mostQuestions } from "../../questions/index.ts";
import { defaultSize, sizeLimits } from "../../render/index-node.ts";

export class DataSynth extends FusionCommand<SynthesizeResult> {
  static override summary = "Write a dataset of synthetic pictures with captions and questions.";
  static override description =
    "Works offline: a grammar describes scenes; pictures, captions and questions are made from the descriptions. The same options " +
    "give the same bytes. The folder appears when it is complete; stopping the command leaves nothing behind.";
  static override examples = [
    "<%= config.bin %> data synth --out pictures --count 4000 --seed 7",
    "<%= config.bin %> data synth --out pictures --count 4000 --heldout 500 --size 256 --questions 3 --json",
  ];
  static override flags = {
    out: Flags.string({
      char: "o",
      required: true,
      description: "Folder to write; it must be empty or not exist.",
      helpValue: "DIR",
    }),
    count: Flags.integer({
      char: "n",
      required: true,
      min: 1,
      max: mostPictures,
      description: "Training pictures.",
      helpValue: "N",
    }),
    heldout: Flags.integer({
      min: 0,
      max: mostPictures,
      description: "Held-out pictures. Default: a tenth of the training pictures.",
      helpValue: "M",
    }),
    questions: Flags.integer({
      min: 1,
      max: mostQuestions,
      description: "The most questions a picture. Default: 5.",
      helpValue: "K",
    }),
    seed: seedFlag,
    size: Flags.integer({
      ...sizeLimits,
      description: `Side of the pictures in pixels. Default: ${defaultSize}.`,
      helpValue: "PIXELS",
    }),
  };

  async run(): Promise<SynthesizeResult> {
    const { flags } = await this.parse(DataSynth);
    const total = flags.count + (flags.heldout ?? defaultHeldout(flags.count));
    const progress = this.progress({ label: "synthesising", total, unit: "pictures" });
    const result = await synthesize({
      ...flags,
      signal: this.abortSignal,
      onProgress: (done) => progress.update(done),
      onWarning: (message) => this.note(`Note: ${printableLine(message)}`),
    }).finally(() => progress.finish());
    return this.present(result, renderSynthResult);
  }
}
