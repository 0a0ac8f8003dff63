import { FusionCommand, writeFileAtomic } from "@fusion-vlm/plugin-kit";
import { Args, Flags } from "@oclif/core";
import { reportPage, titleOf } from "../../presenters/report-page.ts";
import { type ReportResult, renderReportResult, reportResult } from "../../presenters/report-result.ts";
import { gatherReport } from "../../services/gather-report.ts";

export class EvalReport extends FusionCommand<ReportResult> {
  static override summary = "Write a page about a training and its scores.";
  static override description =
    "One HTML file without scripts, which loads nothing: key facts, loss curves, right answers of each kind with and without the picture, and pictures with questions and answers. Pictures are chosen by a hash of their names, not by their answers. A page that is there already is replaced.";
  static override examples = [
    "<%= config.bin %> eval report ./scores --log ./my-model --out report.html",
    "<%= config.bin %> eval report ./scores --before ./scores-before --log ./my-model --out report.html --pictures 48",
  ];
  static override args = {
    scores: Args.string({ required: true, description: "Folder that `fusion eval run --out` has written." }),
  };
  static override flags = {
    log: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: "Model folder with train-log.jsonl, or such a file. Repeatable, in the order of the training.",
      helpValue: "FOLDER",
    }),
    before: Flags.string({
      description: "Scores of the model before its training, on the same questions: shown beside the others.",
      helpValue: "SCORES",
    }),
    data: Flags.string({
      description: "Where the questions and their pictures are now. Default: where they were when they were asked.",
      helpValue: "FOLDER",
    }),
    out: Flags.string({ char: "o", required: true, description: "HTML file to write.", helpValue: "FILE" }),
    title: Flags.string({ description: "Title of the page. Default: the name of the model.", helpValue: "TEXT" }),
    pictures: Flags.integer({
      min: 0,
      max: 500,
      default: 24,
      description: "Pictures with questions and answers on the page.",
      helpValue: "N",
    }),
  };

  async run(): Promise<ReportResult> {
    const { args, flags } = await this.parse(EvalReport);
    const content = await gatherReport({
      scores: args.scores,
      before: flags.before,
      logs: flags.log,
      data: flags.data,
      pictures: flags.pictures,
      signal: this.abortSignal,
    });
    const title = flags.title ?? titleOf(content);
    const page = reportPage(content, title);
    await writeFileAtomic(flags.out, page);
    for (const note of content.notes) this.note(note);
    return this.present(
      reportResult(content, { page: flags.out, bytes: Buffer.byteLength(page), title }),
      renderReportResult,
    );
  }
}
