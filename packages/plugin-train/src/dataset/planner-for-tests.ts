import { join } from "node:path";
import { type FusionConfig, loadTokenizer, openModelFolder } from "@fusion-vlm/core";
import { writeTinyModel } from "@fusion-vlm/core/testing";
import { SamplePlanner } from "./sample-planner.ts";

/** Writes a tiny model into FOLDER/model, for its configuration with Q = 4 and its tokeniser. */
export async function tinyPlanner(folder: string): Promise<{ config: FusionConfig; planner: SamplePlanner }> {
  const model = join(folder, "model");
  await writeTinyModel(model);
  const { config: whole, weights } = await openModelFolder(model);
  await weights.close();
  const config = { ...whole, latentCounts: [4] };
  return { config, planner: new SamplePlanner(config, await loadTokenizer(model)) };
}
