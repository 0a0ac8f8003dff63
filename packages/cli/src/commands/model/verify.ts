import { deviceFlag, FusionCommand, numberFlag, semanticsFlag, threadsFlag, UsageError } from "@fusion-vlm/plugin-kit";
import { Args, Flags } from "@oclif/core";
import { renderVariant, renderVerification } from "../../presenters/verify-table.ts";
import { type VerifyResult, verifyFolder } from "../../services/verify-folder.ts";

export class ModelVerify extends FusionCommand<VerifyResult> {
  static override summary = "Compare a model, tensor by tensor, with recorded reference numbers.";
  static override description =
    "Runs the model on the recorded inputs and prints the largest absolute and relative error of every recorded tensor. Exit code 1 when one is past its tolerance.";
  static override examples = [
    "<%= config.bin %> model verify ./my-model --reference ./recorded",
    "<%= config.bin %> model verify ./recorded --gradients",
    "<%= config.bin %> model verify ./recorded --semantics released --json",
  ];
  static override args = {
    model: Args.string({ ignoreStdin: true, description: "Model folder. Default: the reference folder." }),
  };
  static override flags = {
    reference: Flags.string({
      description: "Folder with inputs.safetensors, results.json and recorded tensors. Default: the model folder.",
      helpValue: "FOLDER",
    }),
    semantics: { ...semanticsFlag, description: "Only the variants recorded under these semantics. Default: all." },
    gradients: Flags.boolean({
      description: "Also compare recorded gradients and steps of AdamW, where the folder has them.",
    }),
    tolerance: numberFlag({
      min: 0,
      description: "Largest accepted error relative to a tensor's largest absolute value. Default: 1e-4.",
      helpValue: "T",
    }),
    device: deviceFlag,
    threads: threadsFlag,
  };

  async run(): Promise<VerifyResult> {
    const { args, flags } = await this.parse(ModelVerify);
    const [model, reference] = [args.model ?? flags.reference, flags.reference ?? args.model];
    if (model === undefined || reference === undefined) throw new UsageError("Missing MODEL or --reference FOLDER");
    const { device, threads } = await this.settings(flags);

    const progress = this.progress({ label: "running recorded variants" });
    progress.begin();
    const result = await verifyFolder({
      model,
      reference,
      device: device.value,
      threads: threads?.value,
      semantics: flags.semantics,
      tolerance: flags.tolerance,
      gradients: flags.gradients,
      signal: this.abortSignal,
      onVariant: (summary) => {
        progress.finish();
        this.note(renderVariant(summary));
        progress.begin();
      },
    }).finally(() => progress.finish());
    if (!result.passed) process.exitCode = 1;
    return this.present(result, renderVerification);
  }
}
