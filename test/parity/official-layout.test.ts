import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadFusion, openWeights } from "../../packages/core/src/index.ts";
import { trainFamilyTokenizer } from "../../packages/core/src/text/index.ts";
import { type StepEvent, trainModel } from "../../packages/plugin-train/src/index.ts";
import {
  colourRecords,
  writePictures,
  writeRecords,
} from "../../packages/plugin-train/src/trainer/training-data-for-tests.ts";
import { type GoldenModels, unpackGoldenModels } from "./golden-models.ts";

let golden: GoldenModels;

beforeAll(async () => {
  golden = await unpackGoldenModels();
});

afterAll(() => golden?.remove());

/** Names, shapes and element types of a folder's weights. */
async function layoutOf(folder: string): Promise<Record<string, string>> {
  const weights = await openWeights(folder);
  const layout = [...weights.entries].map(([name, { dtype, shape }]) => [name, `${dtype} [${shape.join(", ")}]`]);
  await weights.close();
  return Object.fromEntries(layout);
}

describe.each([
  { model: "phi" as const, template: "phi_3" as const },
  { model: "llama" as const, template: "llama_3" as const },
])(
  "a folder in the official layout, with the layers and patches of the official tower ($model)",
  ({ model, template }) => {
    it("is fine-tuned, and what is written has its names, shapes, element types and configuration", async () => {
      const start = await golden.changed(golden[model], { "results.json": undefined });
      const { tokenizerJson, tokenizerConfig } = trainFamilyTokenizer(["red green blue white"], {
        template,
        vocabSize: 300,
      });
      await writeFile(join(start, "tokenizer.json"), JSON.stringify(tokenizerJson));
      await writeFile(join(start, "tokenizer_config.json"), JSON.stringify(tokenizerConfig));
      await writePictures(start);
      const data = await writeRecords(start, colourRecords().slice(0, 1));
      const out = join(start, "fine-tuned");
      const steps: StepEvent[] = [];

      await trainModel({
        ...{ model: start, data: [data], out, maxSteps: 4, learningRate: 3e-3, warmupRatio: 0, latentCounts: [4] },
        ...{ batchSize: 1, worker: false, onEvent: (event) => event.type === "step" && steps.push(event) },
      });

      expect(await layoutOf(out)).toEqual(await layoutOf(golden[model]));
      const [before, after] = await Promise.all(
        [golden[model], out].map(async (folder) => JSON.parse(await readFile(join(folder, "config.json"), "utf8"))),
      );
      expect(after).toEqual({ ...before, torch_dtype: "float32", query_len: "4", fusion_mapping_weight: 0.1 });
      expect(steps[3]!.answer).toBeLessThan(steps[0]!.answer);
      const tuned = await loadFusion(out, { worker: false, latents: 4 });
      expect(tuned.info.untrained).toBe(false);
      await tuned.dispose();
    }, 300_000);
  },
);
