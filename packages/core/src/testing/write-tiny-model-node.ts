import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseConfig } from "../fusion/index.ts";
import { trainFamilyTokenizer } from "../text/index.ts";
import { sourceOf, writeWeights } from "../weights/index-node.ts";
import { randomParameters } from "./random-parameters.ts";
import { type TinyModelOptions, tinyModelFiles } from "./tiny-config.ts";

/** Enough text for a byte-level vocabulary; a tiny model understands nothing anyway. */
const corpus = ["What is in the picture?", "A red circle above a blue square.", "How many shapes are there?"];

/**
 * Writes a tiny model folder that `loadFusion` opens: configuration, tokenizer, random weights.
 *
 * @param folder - made when it does not exist
 * @throws CONFIG_INVALID for keys that do not fit together, WRITE_FAILED when the disk refuses the weights
 */
export async function writeTinyModel(
  folder: string,
  options: TinyModelOptions & { seed?: number } = {},
): Promise<void> {
  const { config, vision } = tinyModelFiles(options);
  const parsed = parseConfig(config, vision, folder);
  const vocabSize = parsed.language.vocabularySize;
  const { tokenizerJson, tokenizerConfig } = trainFamilyTokenizer(corpus, { template: parsed.template, vocabSize });
  await mkdir(folder, { recursive: true });
  const files = {
    "config.json": config,
    "vision_config.json": vision,
    "tokenizer.json": tokenizerJson,
    "tokenizer_config.json": tokenizerConfig,
  };
  for (const [name, contents] of Object.entries(files)) await writeFile(join(folder, name), JSON.stringify(contents));
  await writeWeights(folder, sourceOf(Object.fromEntries(randomParameters(parsed, options.seed)), { format: "pt" }));
}
