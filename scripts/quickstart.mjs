// `npm run quickstart`: from a fresh clone to a trained model that answers questions about pictures.
//
// Installs and builds what is missing, then runs the commands that a user would type, and shows them. What they find goes to
// stdout, how it goes to stderr. Everything lies in one folder; run it again to go on, delete the folder to start over.

import { ensureBuilt } from "./ensure-built.mjs";
import { quickstart } from "./lib/quickstart.mjs";
import { say } from "./lib/workspace.mjs";

const recipe = {
  /** Where everything goes; git ignores it. */
  folder: "quickstart",
  /** The model that is made at random and trained. */
  preset: "nano",
  /** Flags of `fusion data synth`: pictures to train on, pictures to ask about, and what they are drawn from. */
  data: { count: 12000, heldout: 200, seed: 7 },
  /** Minutes from the start of this script to the last answer, installing and building included. */
  minutes: 11.5,
  /** Of these, what scoring, page and answers need. */
  closingMinutes: 1,
  /** The most that training gets of them. */
  trainingMinutes: 10,
  /** How its time is divided. */
  shares: { captions: 0.2, questions: 0.8 },
  /** Further flags of `fusion train`. */
  training: { optimizer: "muon", "batch-size": 16, "learning-rate": 2e-3, seed: 7 },
  /** Further flags of `fusion eval run`. */
  scoring: {},
};

say(`Quickstart: data, training, scores, a page and answers, in at most ${Math.ceil(recipe.minutes)} minutes.`);
process.exitCode = ensureBuilt() ? await quickstart(recipe) : 1;
