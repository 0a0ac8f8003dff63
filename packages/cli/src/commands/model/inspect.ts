import { inspectModel, type ModelInspection } from "@fusion-vlm/core";
import { FusionCommand, modelFlag } from "@fusion-vlm/plugin-kit";
import { Args } from "@oclif/core";
import { renderInspection } from "../../presenters/inspection.ts";

export class ModelInspect extends FusionCommand<ModelInspection> {
  static override summary = "Tell what a model folder, or a preset, consists of.";
  static override description =
    "Checks every tensor's name and shape against the configuration, counts parameters and bytes, lists the graphs. Reads no weights and starts no engine.";
  static override examples = [
    "<%= config.bin %> model inspect ./my-model",
    "<%= config.bin %> model inspect fusion-phi3.5-3b --json",
  ];
  static override args = {
    model: Args.string({
      ignoreStdin: true,
      description: "Model folder, nano, or the name of a preset. Default: as for ask.",
    }),
  };
  static override flags = { model: modelFlag };

  async run(): Promise<ModelInspection> {
    const { args, flags } = await this.parse(ModelInspect);
    const settings = await this.settings({ model: args.model ?? flags.model });
    return this.present(await inspectModel(settings.model.value), renderInspection);
  }
}
