import { type InitModelResult, initModel, presetNames } from "@fusion-vlm/core";
import { FusionCommand, formatBytes, seedFlag, UsageError } from "@fusion-vlm/plugin-kit";
import { Args, Flags } from "@oclif/core";
import { renderInitResult } from "../../presenters/init-result.ts";

const dtypes = ["float32", "float16", "bfloat16"] as const;

export class ModelInit extends FusionCommand<InitModelResult> {
  static override summary = "Make a model folder from a preset, with random weights.";
  static override description =
    `Presets: ${presetNames.join(", ")}. The folder must be empty or not exist. Stopping it leaves nothing behind.`;
  static override examples = [
    "<%= config.bin %> model init nano --out nano",
    "<%= config.bin %> model init --preset fusion-phi3.5-3b --dtype bfloat16",
  ];
  static override args = { preset: Args.string({ ignoreStdin: true, description: "Name of the preset." }) };
  static override flags = {
    preset: Flags.string({ description: "The same as PRESET.", helpValue: "PRESET" }),
    out: Flags.string({ char: "o", description: "Folder to write. Default: the preset's name.", helpValue: "FOLDER" }),
    seed: seedFlag,
    dtype: Flags.option({ options: dtypes, description: "Element type of the weights. Default: float32." })(),
  };

  async run(): Promise<InitModelResult> {
    const { args, flags } = await this.parse(ModelInit);
    if (args.preset !== undefined && flags.preset !== undefined && args.preset !== flags.preset) {
      throw new UsageError(`two presets: ${args.preset} and --preset ${flags.preset}`);
    }
    const preset = args.preset ?? flags.preset;
    if (preset === undefined) throw new UsageError(`Missing PRESET: one of ${presetNames.join(", ")}`);

    let progress: ReturnType<typeof this.progress> | undefined;
    const result = await initModel({
      preset,
      folder: flags.out ?? preset,
      seed: flags.seed,
      dtype: flags.dtype,
      signal: this.abortSignal,
      onProgress: (bytes, total) => {
        progress ??= this.progress({ label: "writing weights", total, format: formatBytes });
        progress.update(bytes);
      },
    }).finally(() => progress?.finish());
    return this.present(result, renderInitResult);
  }
}
