import type { CommandTable } from "@fusion-vlm/plugin-kit";
import { DataSynth } from "./commands/data/synth.ts";

/** Command id to class; named by the `oclif` block of package.json. */
export const COMMANDS = { "data:synth": DataSynth } satisfies CommandTable;

// Datasets
export {
  type DatasetCard,
  generatorVersion,
} from "./dataset/card.ts";
export type { BlindAccuracy } from "./dataset/blind-guess.ts";
export type { Recipe } from "./dataset/options.ts";
export { type SynthesizeOptions, type SynthesizeResult, synthesize } from "./dataset/synthesize-node.ts";

// Scenes: the description first, then all that is made from it
export { createRandom, type Random } from "./random/random.ts";
export {
  combinationsOf,
  describeScene,
  descriptionOf,
  type Group,
  type Party,
  type Relation,
  type Scene,
  type SceneBackground,
  type SceneWord,
  type Split,
  type Square,
  splitOf,
  type Thing,
} from "./scene/index.ts";
export { captionOf, type Question, questionsOf, type SynthKind, synthKinds } from "./questions/index.ts";
export { renderScene, sceneSvg } from "./render/index-node.ts";
