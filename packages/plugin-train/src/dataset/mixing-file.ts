import { readFile, stat } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { requireFile } from "./data-file.ts";
import { datasetError } from "./dataset-error.ts";
import { everyRecord, parseSampling, type Sampling } from "./sampling.ts";

/** A data file that a mixing file names. */
export interface MixedFile {
  readonly file: string;
  readonly sampling: Sampling;
  /** Its own image folder. */
  readonly images?: string;
}

/** A mixing file is some lines; more than this is something else. */
const largestFile = 1024 * 1024;

const isMixing = /\.ya?ml$/i;

const expectations = {
  datasets: "a list of one data file or more",
  json_path: "the path of a data file: JSON or JSON lines",
  sampling_strategy: "all, first:N, end:N or random:N, with N a count from 1 or a percentage from 1% to 100%",
  images: "the path of a folder",
} as const;

const fileHint = "Write datasets: [{ json_path, sampling_strategy?, images? }, …]: see docs/training.md.";

const path = z.string().min(1);

const entrySchema = z.strictObject({
  json_path: path.refine((value) => !isMixing.test(value)),
  sampling_strategy: z
    .string()
    .transform(parseSampling)
    .refine((sampling) => sampling !== undefined)
    .default(everyRecord),
  images: path.optional(),
});

const fileSchema = z.strictObject({ datasets: z.array(entrySchema).min(1) });

/** Whether a path given as data names a mixing file: by its ending. */
export function isMixingFile(file: string): boolean {
  return isMixing.test(file);
}

/**
 * Reads `datasets: [{ json_path, sampling_strategy?, images? }]`; paths in it are relative to its folder, or absolute.
 *
 * @throws naming file, entry and key for whatever is wrong
 */
export async function readMixingFile(file: string): Promise<MixedFile[]> {
  const yaml = parseYaml(await readText(file), file);
  const { data, error } = fileSchema.safeParse(yaml);
  if (!data) throw wrongKey(file, yaml, error.issues[0]!);
  const located = (given: string) => (isAbsolute(given) ? given : join(dirname(file), given));
  return data.datasets.map(({ json_path, sampling_strategy, images }) => ({
    file: located(json_path),
    sampling: sampling_strategy,
    ...(images !== undefined && { images: located(images) }),
  }));
}

async function readText(file: string): Promise<string> {
  const failed = await requireFile(file, "a mixing file in YAML");
  const { size } = await stat(file).catch(failed);
  if (size > largestFile) {
    const hint = "Name the data files in it; records do not belong there.";
    throw datasetError({ at: file, expected: `at most ${largestFile} bytes`, actual: `${size}`, hint });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(file).catch(failed));
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    const hint = "Save the file as UTF-8.";
    throw datasetError({ at: file, expected: "text in UTF-8", actual: "bytes that are not", hint, cause });
  }
}

function parseYaml(text: string, file: string): unknown {
  const document = parseDocument(text);
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    const [begin] = problem.linePos ?? [];
    const at = begin === undefined ? file : `${file}: line ${begin.line}, column ${begin.col}`;
    const actual = problem.message.split("\n", 1)[0]!.replace(/ at line \d+, column \d+:?$/, "");
    throw datasetError({ at, expected: "YAML", actual, hint: fileHint, cause: problem });
  }
  try {
    return document.toJS();
  } catch (cause) {
    // Aliases that would be expanded without end.
    const actual = cause instanceof Error ? cause.message : String(cause);
    throw datasetError({ at: file, expected: "YAML", actual, hint: fileHint, cause });
  }
}

function wrongKey(file: string, yaml: unknown, issue: z.core.$ZodIssue) {
  if (issue.code === "unrecognized_keys") {
    const known = issue.path.length === 0 ? "datasets" : Object.keys(entrySchema.shape).join(", ");
    const at = `${file}: ${placeOf([...issue.path, issue.keys[0]!])}`;
    return datasetError({ at, expected: `no key but ${known}`, actual: "this one", hint: fileHint });
  }
  const key = issue.path.at(-1);
  const expected =
    key === undefined
      ? "datasets, a list of data files"
      : typeof key === "number"
        ? "{ json_path, sampling_strategy?, images? }"
        : expectations[key as keyof typeof expectations];
  const place = placeOf(issue.path);
  return datasetError({
    at: place === "" ? file : `${file}: ${place}`,
    expected,
    actual: shown(issue.path.reduce<unknown>((inner, step) => (inner as Record<PropertyKey, unknown>)[step], yaml)),
    hint: fileHint,
  });
}

/** `datasets[2].json_path` */
function placeOf(steps: readonly PropertyKey[]): string {
  const written = steps.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`));
  return written.join("").replace(/^\./, "");
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
