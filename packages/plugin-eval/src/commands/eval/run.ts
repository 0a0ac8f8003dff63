import { loadFusion } from "@fusion-vlm/core";
import { engineFlags, FusionCommand, generationFlags, type Progress, semanticsFlag } from "@fusion-vlm/plugin-kit";
import { Flags } from "@oclif/core";
import { renderBuiltinReport } from "../../presenters/score-table.ts";
import { readBuiltinQuestions } from "../../services/builtin-questions.ts";
import { type BuiltinReport, evaluateBuiltin } from "../../services/evaluate-builtin.ts";

export class EvalRun extends FusionCommand<BuiltinReport> {
  static override summary = "Score a model on a benchmark.";
  static override description =
    "builtin: exact match on the held-out questions that `fusion data synth` has written, per kind and overall, with 95 % intervals. Every question is asked on its own, and answered greedily. With --out, predictions are written as they are made, and a run that was stopped goes on where it was.";
  static override examples = [
    "<%= config.bin %> eval run --benchmark builtin --data ./synth --model ./nano --blank",
    "<%= config.bin %> eval run --benchmark builtin --data ./synth --model ./nano --limit 200 --out ./scores --json",
  ];
  static override flags = {
    benchmark: Flags.option({ options: ["builtin"] as const, required: true, description: "What to score on." })(),
    data: Flags.string({
      required: true,
      description: "Folder with heldout.json and its pictures, or such a file.",
      helpValue: "FOLDER",
    }),
    ...engineFlags,
    semantics: semanticsFlag,
    latents: generationFlags.latents,
    "image-tokens": generationFlags["image-tokens"],
    "max-tokens": Flags.integer({ min: 1, description: "Longest answer, in tokens. Default: 16.", helpValue: "N" }),
    limit: Flags.integer({ min: 1, description: "Ask only the first N questions.", helpValue: "N" }),
    blank: Flags.boolean({ description: "Ask about a blank picture too, and tell the difference." }),
    out: Flags.string({ description: "Folder for predictions.jsonl and score.json.", helpValue: "FOLDER" }),
    restart: Flags.boolean({ description: "Drop the predictions of an earlier run in --out.", dependsOn: ["out"] }),
  };

  async run(): Promise<BuiltinReport> {
    const { flags } = await this.parse(EvalRun);
    const { model: source, device, threads, generation } = await this.settings(flags);
    const signal = this.abortSignal;
    // Before the model, which may take minutes.
    const data = await readBuiltinQuestions(flags.data, flags.limit);
    const model = await loadFusion(source.value, {
      device: device.value,
      threads: threads?.value,
      latents: generation.latents,
      imageTokens: generation.imageTokens,
      semantics: flags.semantics,
      signal,
    });
    let progress: Progress | undefined;
    try {
      if (model.info.untrained) this.note("The model's weights are random numbers: its score is that of chance.");
      const { report } = await evaluateBuiltin({
        model,
        data,
        blank: flags.blank,
        out: flags.out,
        restart: flags.restart,
        maxTokens: flags["max-tokens"],
        signal,
        onProgress: ({ done, total }) => {
          progress ??= this.progress({ label: "answering", total, unit: "questions" });
          progress.update(done);
        },
      });
      progress?.finish();
      return this.present(report, renderBuiltinReport);
    } finally {
      progress?.finish();
      await model.dispose();
    }
  }
}
