import { plural, type ThingName, thingNames } from "../grammar/index.ts";
import { chance, pickWeighted, type Random, shuffled } from "../random/random.ts";
import type { Scene } from "../scene/index.ts";
import { colourQuestions } from "./colour-questions.ts";
import { countQuestions } from "./count-questions.ts";
import { type Question, type QuestionForm, type SynthKind, synthKinds } from "./question.ts";
import { sceneQuestions } from "./scene-questions.ts";
import { spatialQuestions } from "./spatial-questions.ts";
import { textQuestions } from "./text-questions.ts";

const forms: Record<SynthKind, readonly QuestionForm[]> = {
  SynthColor: colourQuestions,
  SynthCount: countQuestions,
  SynthSpatial: spatialQuestions,
  SynthText: textQuestions,
  SynthScene: sceneQuestions,
};

/** Of pictures without a word, so many are asked for text: as often as "Is there text?" is asked where there is one. */
const asksWordlessForText = 0.085;

/** How often a kind may come in one picture. */
const mostOfKind: Record<SynthKind, number> = {
  SynthColor: 2,
  SynthCount: 1,
  SynthSpatial: 2,
  SynthText: 2,
  SynthScene: 2,
};

/** The most questions that a picture can have. */
export const mostQuestions = Object.values(mostOfKind).reduce((sum, most) => sum + most, 0);

/**
 * Draws up to `count` questions of a scene, each kind once before any comes twice.
 *
 * No question gives away the answer of a later one, as they may stand in one conversation. Questions name only combinations
 * of the scene's split, so that a combination's absence from training says nothing about its answer. Scenes with little in
 * them have fewer than `count`.
 */
export function questionsOf(scene: Scene, random: Random, count = 5): Question[] {
  const asked: Question[] = [];
  const kinds = synthKinds.filter((kind) => kind !== "SynthText" || scene.word || chance(random, asksWordlessForText));
  for (const round of [1, 2]) {
    for (const kind of shuffled(random, kinds)) {
      if (asked.length >= count) return asked;
      if (round > mostOfKind[kind]) continue;
      const question = askOfKind(scene, random, kind, asked);
      if (question) asked.push(question);
    }
  }
  return asked;
}

function askOfKind(scene: Scene, random: Random, kind: SynthKind, asked: readonly Question[]): Question | undefined {
  const used = asked.filter((question) => question.kind === kind).map(({ form }) => form);
  const topics = forms[kind].filter(({ name }) => used.includes(name)).map(({ topic }) => topic ?? "");
  const left = forms[kind].filter(({ name, topic }) => !used.includes(name) && !(topic && topics.includes(topic)));
  const named = new Set(asked.flatMap(({ question, answer }) => thingsIn(`${question} ${answer}`)));
  while (left.length > 0) {
    const form = pickWeighted(
      random,
      left.map((form) => [form.weight, form] as const),
    );
    left.splice(left.indexOf(form), 1);
    const drawn = form.ask(scene, random, named);
    if (drawn && !isGivenAway({ kind, form: form.name, ...drawn }, asked)) return { kind, form: form.name, ...drawn };
  }
  return undefined;
}

/** True when an earlier question or its answer tells the answer. */
function isGivenAway({ kind, form, question, answer }: Question, asked: readonly Question[]): boolean {
  const earlier = asked.map(({ question, answer }) => `${question} ${answer}`).join(" ");
  // Who has read the word knows its letters.
  if (kind === "SynthText" && asked.some((other) => other.kind === kind && /\bsay$/.test(other.form))) return true;
  if (form === "is there text") return /\b(word|text|letters?)\b/.test(earlier);
  if (kind === "SynthText") return false;

  const before = thingsIn(earlier);
  if (thingsIn(answer).some((name) => before.includes(name))) return true;
  if (isContentWord(answer) && kind !== "SynthSpatial" && new RegExp(`\\b${answer}\\b`).test(earlier)) return true;
  // Two questions of a kind about the same thing.
  const sameKind = asked.filter((other) => other.kind === kind).flatMap((other) => thingsIn(other.question));
  return thingsIn(question).some((name) => sameKind.includes(name));
}

/** True for colours, places and objects; not for `yes`, numbers and letters. */
function isContentWord(answer: string): boolean {
  return /^[a-z]{3,}$/.test(answer) && answer !== "yes";
}

const namesByWord = new Map(
  thingNames.flatMap(
    (name) =>
      [
        [name, name],
        [plural(name), name],
      ] as [string, ThingName][],
  ),
);

/** The objects that a text names, in singular or plural. */
function thingsIn(text: string): ThingName[] {
  return text.split(/[^a-z]+/).flatMap((word) => namesByWord.get(word) ?? []);
}
