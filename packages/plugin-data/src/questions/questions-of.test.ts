import { describe, expect, test } from "vitest";
import { BlindGuess } from "../dataset/blind-guess.ts";
import { writePicture } from "../dataset/picture.ts";
import { plural, thingNames } from "../grammar/index.ts";
import { combinationsOf, relationBetween, splitOf } from "../scene/index.ts";
import { rightAnswers } from "./answer-checker-for-tests.ts";
import { mostQuestions, synthKinds } from "./index.ts";

const pictures = [
  ...Array.from({ length: 3000 }, (_, i) => writePicture(11, "train", i, mostQuestions)),
  ...Array.from({ length: 300 }, (_, i) => writePicture(11, "heldout", i, mostQuestions)),
];
const asked = pictures.flatMap((picture) => picture.questions.map((question) => ({ picture, question })));

describe("questionsOf", () => {
  test("gives the one answer that the drawn objects give", () => {
    const wrong = asked
      .map(({ picture, question }) => ({
        id: picture.id,
        description: picture.description,
        question: question.question,
        answer: question.answer,
        right: rightAnswers(picture.scene, question.question),
      }))
      .filter(({ answer, right }) => right.length !== 1 || right[0] !== answer);

    expect(wrong).toEqual([]);
  });

  test("asks each kind at least half as often as any other", () => {
    const counts = synthKinds.map((kind) => asked.filter(({ question }) => question.kind === kind).length);

    expect(Math.min(...counts)).toBeGreaterThan(Math.max(...counts) / 2);
  });

  test("asks a picture nothing twice and no more than it is told to", () => {
    for (const { questions } of pictures) {
      expect(new Set(questions.map(({ question }) => question)).size).toBe(questions.length);
    }
    expect(writePicture(11, "train", 4, 2).questions.length).toBe(2);
  });

  test("answers in a word or two, with yes as often as no", () => {
    const forms = new Map<string, string[]>();
    for (const { question } of asked) {
      const key = `${question.kind}/${question.form}`;
      forms.set(key, forms.get(key) ?? []);
      forms.get(key)!.push(question.answer);
    }
    for (const [form, answers] of forms) {
      expect(answers.every((answer) => /^[A-Za-z0-9]+$/.test(answer))).toBe(true);
      const yes = answers.filter((answer) => answer === "yes").length;
      const no = answers.filter((answer) => answer === "no").length;
      if (yes + no > 0) expect(Math.abs(yes - no) / (yes + no), form).toBeLessThan(0.15);
    }
  });

  test("asks whether something is there only where it has not been named", () => {
    for (const { questions } of pictures) {
      questions.forEach(({ kind, form, question }, index) => {
        if (kind !== "SynthScene" || form !== "is it there") return;
        const name = thingNames.find((one) => new RegExp(`\\b${one}\\b`).test(question))!;
        const earlier = questions
          .slice(0, index)
          .map((one) => `${one.question} ${one.answer}`)
          .join(" ");
        expect(earlier).not.toMatch(new RegExp(`\\b(${name}|${plural(name)})\\b`));
      });
    }
  });

  test("gives away no later answer", () => {
    for (const { questions } of pictures) {
      questions.forEach(({ kind, answer }, index) => {
        if (kind === "SynthSpatial" || !/^[A-Za-z]{3,}$/.test(answer) || answer === "yes") return;
        const earlier = questions.slice(0, index).map((one) => `${one.question} ${one.answer}`);
        expect(earlier.join(" ")).not.toMatch(new RegExp(`\\b${answer}\\b`));
      });
      const reading = questions.findIndex(({ form }) => form === "what does it say" || form === "does it say");
      if (reading >= 0) expect(questions.slice(reading + 1).map(({ kind }) => kind)).not.toContain("SynthText");
    }
  });

  test("names no combination of the other split, even to deny it", () => {
    for (const { picture, question: asks } of asked) {
      if (asks.kind !== "SynthSpatial" || asks.form !== "is it there") continue;
      const [subject, object] = [...asks.question.matchAll(/the (\w+)(?= |\?)/g)]
        .map(([, noun]) => noun)
        .filter((noun) => noun !== "left" && noun !== "right")
        .map((noun) => (noun === "word" ? "word" : thingNames.find((one) => one === noun || plural(one) === noun)!));
      const word = /\b(left|right|above|below)\b/.exec(asks.question)![1] as "left";
      const relation = relationBetween(subject!, word, object!);
      expect(splitOf(`relation:${relation.first} ${relation.relation} ${relation.second}`)).toBe(picture.scene.split);
    }
  });

  test("cannot be guessed well without the picture", () => {
    const blind = new BlindGuess();
    for (const { picture, question } of asked) {
      if (picture.scene.split === "train") blind.learn(question);
      else blind.ask(question);
    }
    const { overall, kinds } = blind.accuracy()!;

    expect(overall).toBeLessThan(0.3);
    for (const kind of synthKinds) expect(kinds[kind], kind).toBeLessThan(0.4);
  });
});

test("the same words never mean two things: colours, numbers and objects of a caption are those of the scene", () => {
  for (const { scene, caption, description } of pictures) {
    for (const { thing, squares } of scene.groups) {
      const name = squares.length > 1 ? plural(thing.name) : thing.name;
      const colour = "colour" in thing ? `${thing.colour} ` : "";
      expect(caption).toContain(`${colour}${name}`);
      expect(description).toContain(`${colour}${name}`);
    }
    if (scene.word) expect(caption).toContain(`"${scene.word.text}"`);
    expect(combinationsOf(scene).length).toBeGreaterThan(0);
    expect(caption).toMatch(/^[A-Z][ -~]*\.$/);
  }
});
