import { type SynthKind, synthKinds } from "../questions/index.ts";
import type { BlindAccuracy } from "./blind-guess.ts";
import type { Recipe } from "./options.ts";

/** Version of the grammar and the drawings: the same recipe gives the same texts under the same version. */
export const generatorVersion = 2;

const licences = [
  { part: "icons", name: "Fluent Emoji Flat, Microsoft Corporation", licence: "MIT" },
  {
    part: "letters",
    name: "DejaVu Sans Bold",
    licence: "Bitstream Vera and Arev font licences, changes in the public domain",
  },
  { part: "texts, shapes, backgrounds", name: "FUSION for TypeScript", licence: "Apache-2.0" },
] as const;

/** dataset.json: recipe, contents and origin. */
export interface DatasetCard {
  readonly format: "fusion-synth";
  readonly generatorVersion: number;
  readonly recipe: Recipe;
  readonly pictures: { readonly train: number; readonly heldout: number };
  readonly questions: Readonly<Record<"train" | "heldout", Readonly<Record<SynthKind, number>>>>;
  /** Exact match on heldout.json of the commonest training answer of each question's form, without the picture. */
  readonly blindAccuracy?: BlindAccuracy;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
  readonly licences: typeof licences;
}

export function makeCard(facts: Omit<DatasetCard, "format" | "generatorVersion" | "licences">): DatasetCard {
  return { format: "fusion-synth", generatorVersion, ...facts, licences };
}

/** README.md of the dataset. */
export function renderCard({ recipe, pictures, questions, blindAccuracy, licences: parts }: DatasetCard): string {
  const { count, heldout, seed, size, questions: most } = recipe;
  const percent = (share: number | undefined) => (share === undefined ? "–" : `${(100 * share).toFixed(1)} %`);
  const row = (kind: SynthKind) =>
    `| ${kind} | ${questions.train[kind]} | ${questions.heldout[kind]} | ${percent(blindAccuracy?.kinds[kind])} |`;
  const total = (split: "train" | "heldout") => synthKinds.reduce((sum, kind) => sum + questions[split][kind], 0);
  return `# Synthetic pictures with captions and questions

Written by FUSION's built-in generator: a grammar wrote a description of each scene; picture, caption and questions were made from it.

    fusion data synth --out DIR --count ${count} --heldout ${heldout} --seed ${seed} --size ${size} --questions ${most}

| file | contents |
|---|---|
| train.json | ${pictures.train} conversations: all questions of a training picture (LLaVA format; \`kinds\` has one kind a question) |
| captions.json | ${pictures.train} captions of the training pictures (LLaVA format) |
| heldout.json | ${total("heldout")} questions on ${pictures.heldout} held-out pictures, one a sample, with \`kind\` |
| scenes.jsonl | the description of every picture, as text and as data |
| images/ | PNG, ${size} x ${size} |
| dataset.json | this card as data, with sizes and hashes |

| kind | training questions | held-out questions | blind guess |
|---|---|---|---|
${synthKinds.map(row).join("\n")}
| all | ${total("train")} | ${total("heldout")} | ${percent(blindAccuracy?.overall)} |

Blind guess: exact match on the held-out questions of the answer that is commonest in training for the form of the question.

No combination in a held-out picture occurs in a training picture: shape with colour, number with object, object with place, relation with
pair, word. Each colour, object, number, place and letter by itself does. Which combinations are held out does not depend on the seed.

Licences: ${parts.map(({ part, name, licence }) => `${part}: ${name} (${licence})`).join("; ")}.
`;
}
