import { type QuantizedPart, quantizationNames, quantizedParts } from "@fusion-vlm/core";
import { FusionCommand, formatBytes, threadsFlag } from "@fusion-vlm/plugin-kit";
import { Args, Flags } from "@oclif/core";
import { renderQuantization } from "../../presenters/quantize-result.ts";
import {
  type Choice,
  choices,
  formatsOfChoices,
  type QuantizeResult,
  quantizeFolder,
} from "../../services/quantize-folder.ts";

const partFlag = (what: string) =>
  Flags.option({ options: choices, description: `Format of ${what}; keep leaves it as it is.`, helpGroup: "PARTS" })();

export class ModelQuantize extends FusionCommand<QuantizeResult> {
  static override summary = "Write a model with weights in 8 and 4 bits.";
  static override description =
    "Straight from the files of the original, one matrix at a time, then measured against it on a picture, one layer at a time: neither needs memory for the whole model. The folder appears when it is complete. mixed has int8 for the vision tower and for the prefill, which see many rows, and int4 beside it for decoding.";
  static override examples = [
    "<%= config.bin %> model quantize ./FUSION-Phi3.5-3B --out ./fusion-mixed",
    "<%= config.bin %> model quantize ./my-model --to int4 --block 32 --vision int8 --out ./my-model-4",
  ];
  static override args = {
    model: Args.string({ ignoreStdin: true, required: true, description: "Folder of the original." }),
  };
  static override flags = {
    out: Flags.string({ char: "o", required: true, description: "Folder to write.", helpValue: "FOLDER" }),
    to: Flags.option({ options: quantizationNames, default: "mixed" as const, description: "Formats of all parts." })(),
    vision: partFlag("vision tower and projectors"),
    prefill: partFlag("the decoder over many rows, and of the interaction layers"),
    decode: partFlag("the decoder over one row"),
    output: partFlag("the output table"),
    block: Flags.option({
      options: ["32", "128"] as const,
      default: "128" as const,
      description: "Weights that share a scale in int4; fewer are more exact and slower.",
    })(),
    measure: Flags.boolean({
      allowNo: true,
      default: true,
      description: "Measure the error against the original on a picture.",
    }),
    threads: threadsFlag,
  };

  async run(): Promise<QuantizeResult> {
    const { args, flags } = await this.parse(ModelQuantize);
    const parts: Partial<Record<QuantizedPart, Choice>> = {};
    for (const part of quantizedParts) if (flags[part]) parts[part] = flags[part];
    const writing = this.#bar("quantising", formatBytes);
    const measuring = this.#bar("measuring layers");
    const result = await quantizeFolder({
      model: args.model,
      out: flags.out,
      quantization: formatsOfChoices(flags.to, flags.block === "32" ? 32 : 128, parts),
      measure: flags.measure,
      threads: flags.threads,
      signal: this.abortSignal,
      onWritten: (bytes, total) => writing.update(bytes, total),
      onMeasured: (done, total) => {
        writing.finish();
        measuring.update(done, total);
      },
    }).finally(() => {
      writing.finish();
      measuring.finish();
    });
    return this.present(result, renderQuantization);
  }

  /** Progress whose total is known when it begins. */
  #bar(label: string, format?: (count: number) => string) {
    let progress: ReturnType<typeof this.progress> | undefined;
    return {
      update: (done: number, total: number) => {
        progress ??= this.progress({ label, total, format });
        progress.update(done);
      },
      finish: () => progress?.finish(),
    };
  }
}
