import { keyValues } from "@fusion-vlm/plugin-kit";
import type { DoctorReport } from "../services/diagnose.ts";

const marks = { ok: "✓", info: "–", problem: "✗" };

/** The report as lines; what to do about problems stands below them. */
export function renderDoctorReport({ ok, checks }: DoctorReport): string {
  const lines = keyValues(checks.map(({ name, status, value }) => [`${marks[status]} ${name}`, value]));
  const advice = checks.filter(({ hint }) => hint !== undefined).map(({ name, hint }) => `${name}: ${hint}`);
  const verdict = ok ? "Ready." : "Something that must work does not: see ✗ above.";
  return [lines, ...(advice.length > 0 ? ["", ...advice] : []), "", verdict].join("\n");
}
