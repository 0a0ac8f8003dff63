import type { z } from "zod";
import { FusionError } from "../errors/index.ts";

/** Parsed JSON in its schema's form. Throws CONFIG_INVALID naming every wrong key at once. */
export function validate<T extends z.ZodType>(schema: T, value: unknown, file: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const problem = valueAt(value, issue.path) === undefined ? "missing" : issue.message;
    return `${issue.path.join(".") || "the file"}: ${problem}`;
  });
  const isOther = file.endsWith("config.json") && problems.some((problem) => problem.startsWith("model_type"));
  throw new FusionError({
    code: "CONFIG_INVALID",
    at: file,
    message: `${file}: ${problems.join("; ")}`,
    hint: isOther
      ? "Point to a FUSION model folder: its config.json has model_type fusion_phi or fusion_llama."
      : "Correct these keys; docs/model-folder.md lists them all.",
    details: { problems },
  });
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key], value);
}

export function configError(at: string, expected: string, actual: string): FusionError {
  const hint = "Correct this key; docs/model-folder.md lists them all.";
  return new FusionError({ code: "CONFIG_INVALID", at, expected, actual, hint });
}

/** Throws CONFIG_INVALID where one key must be a multiple of another. */
export function divisible(at: string, key: string, value: number, by: string, divisor: number): void {
  if (value % divisor === 0) return;
  throw configError(at, `${key} divisible by ${by}`, `${value} and ${divisor}`);
}
