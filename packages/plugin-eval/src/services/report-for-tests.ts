import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exactMatch } from "./exact-match.ts";
import type { HeldoutFolder } from "./heldout-for-tests.ts";
import { heldoutRecord } from "./heldout-for-tests.ts";

/** Answers to the nine questions that {@link writeQuestions} asks, three about each picture. */
export type Answers = readonly string[];

export async function writeQuestions(folder: HeldoutFolder): Promise<void> {
  const records = Array.from({ length: 9 }, (_, index) =>
    heldoutRecord(
      `q-${index + 1}`,
      index % 3,
      index < 5 ? "SynthColor" : "SynthCount",
      `Question ${index + 1}?`,
      "red",
    ),
  );
  await folder.write(records);
}

/** Predictions and score as `fusion eval run --out` writes them. Without `blank`, no question was asked about a blank picture. */
export async function writeScores(
  folder: HeldoutFolder,
  name: string,
  { answers, blank }: { answers: Answers; blank?: Answers },
): Promise<string> {
  const path = folder.join(name);
  await mkdir(path, { recursive: true });
  const data = createHash("sha256")
    .update(await readFile(folder.join("heldout.json")))
    .digest("hex");
  const header = { benchmark: "builtin", data, model: "m", device: "cpu", semantics: "paper" };
  const lines: unknown[] = [{ ...header, latents: 4, imageTokens: 16, maxTokens: 16 }];
  for (const [index, answer] of answers.entries()) {
    const kind = index < 5 ? "SynthColor" : "SynthCount";
    const question = { id: `q-${index + 1}`, turn: 0, kind, question: `Question ${index + 1}?`, expected: "red" };
    lines.push({ ...question, blank: false, answer, correct: exactMatch(answer, "red") });
    const other = blank?.[index];
    if (other !== undefined) lines.push({ ...question, blank: true, answer: other, correct: exactMatch(other, "red") });
  }
  await writeFile(join(path, "predictions.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const score = (from: number, to: number) => ({
    picture: proportion(answers.slice(from, to)),
    ...(blank && { blank: proportion(blank.slice(from, to)), difference: { difference: 0.5, interval: [0.25, 0.75] } }),
  });
  const document = {
    benchmark: "builtin",
    model: folder.join("model"),
    device: "cpu",
    data: folder.join("heldout.json"),
    questions: answers.length,
    pictures: 3,
    overall: score(0, 9),
    kinds: [
      { kind: "SynthColor", ...score(0, 5) },
      { kind: "SynthCount", ...score(5, 9) },
    ],
  };
  await writeFile(join(path, "score.json"), JSON.stringify(document));
  return path;
}

function proportion(answers: Answers) {
  const correct = answers.filter((answer) => answer === "red").length;
  const share = correct / answers.length;
  return { correct, total: answers.length, share, interval: [Math.max(0, share - 0.2), Math.min(1, share + 0.2)] };
}

/** A training's log: half of the steps on captions, half on questions. */
export function logLines(steps: number): object[] {
  const settings = { seed: 7, batchSize: 16, learningRate: 0.001, maxSteps: null };
  const machine = { node: "20.19.0", platform: "linux x64", processor: "Test", cores: 2, threads: "default" };
  const step = (index: number) => ({
    ...{ type: "step", step: index, phase: index <= steps / 2 ? "d/captions.json" : "d/train.json", epoch: 0 },
    ...{ loss: 8 / index + 0.1 * (index % 3), answer: 7 / index, visionToText: 0.9, textToVision: 0.8 },
    ...{ samples: 16, seconds: index === 1 ? 60 : 2, compiled: index === 1, secondsElapsed: 58 + 2 * index },
  });
  return [
    { type: "data", file: "d/captions.json", samples: 40, pictures: 40, skipped: [], cutInstructions: 0 },
    { type: "data", file: "d/train.json", samples: 40, pictures: 40, skipped: [], cutInstructions: 0 },
    { type: "begin", model: "preset nano", parameters: 3_520_000, device: "cpu", phases: [], steps, settings, machine },
    ...Array.from({ length: steps }, (_, index) => step(index + 1)),
    { type: "saving", folder: "out" },
    { type: "end", steps, samples: 16 * steps, seconds: 100, stoppedEarly: false },
  ];
}

export async function writeLog(folder: HeldoutFolder, name: string, lines: readonly object[]): Promise<string> {
  await mkdir(folder.join(name), { recursive: true });
  await writeFile(folder.join(name, "train-log.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return folder.join(name);
}
