import { createRequire } from "node:module";
import { probeEngines } from "@fusion-vlm/core";
import { FusionCommand, type FusionHooks, loadConfig } from "@fusion-vlm/plugin-kit";
import { renderDoctorReport } from "../presenters/doctor-report.ts";
import { type DoctorReport, diagnose } from "../services/diagnose.ts";

export class Doctor extends FusionCommand<DoctorReport> {
  static override summary = "Check that this machine can run FUSION.";
  static override description =
    "Looks at Node, processor and memory, starts every engine, reads the configuration. Exit code 1 when something that must work does not.";
  static override examples = ["<%= config.bin %> doctor", "<%= config.bin %> doctor --json"];

  async run(): Promise<DoctorReport> {
    await this.parse(Doctor);

    const report = await diagnose({
      probeEngines,
      sharpVersion,
      loadConfig: () => loadConfig(process.cwd()),
      env: process.env,
      packageChecks: await this.packageChecks(),
    });

    if (!report.ok) process.exitCode = 1;
    return this.present(report, renderDoctorReport);
  }

  /** What installed command packages add by their `doctor` hook. */
  private async packageChecks() {
    const { successes, failures } = await this.config.runHook<"doctor", FusionHooks>("doctor", {}, undefined, true);
    return [
      ...successes.flatMap(({ result }) => result),
      ...failures.map(({ plugin, error }) => ({ name: plugin.name, status: "problem" as const, value: error.message })),
    ];
  }
}

/** Version of the image decoder that core loads; throws when it does not load. */
function sharpVersion(): string {
  const requireFromCore = createRequire(import.meta.resolve("@fusion-vlm/core"));
  return requireFromCore("sharp").versions.sharp;
}
