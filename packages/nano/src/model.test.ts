import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { modelFolder } from "./index.ts";

const near = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

test("the weights are below 8 MB", () => {
  expect(statSync(join(modelFolder, "model.safetensors")).size).toBeLessThan(8e6);
});

test("the card tells the scores that were recorded", () => {
  const { questions, overall } = JSON.parse(near("recipe/score.json"));
  const percent = ({ share }: { share: number }) => `${(100 * share).toFixed(1)} %`;
  const card = near("README.md");

  expect(questions).toBeGreaterThan(4000);
  expect(card).toContain(`| **all** | **${percent(overall.picture)} (`);
  expect(card).toContain(`| ${percent(overall.blank)} |\n`);
});

test("the log goes through all three stages, and knows nothing of the machine's folders", () => {
  const log = near("recipe/train-log.jsonl");
  const stages = log
    .trim()
    .split("\n")
    .flatMap((line) => (JSON.parse(line).type === "begin" ? [JSON.parse(line).stage] : []));

  expect(stages).toEqual(["1", "1.5", "2"]);
  expect(log).not.toMatch(/"\//);
});
