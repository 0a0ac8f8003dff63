import { chance, pick } from "../random/random.ts";
import { drawOtherWord } from "../scene/index.ts";
import { type QuestionForm, yesNo } from "./question.ts";

export const textQuestions: readonly QuestionForm[] = [
  {
    name: "what does it say",
    topic: "reading",
    weight: 4,
    ask: ({ word }, random) =>
      word && {
        question: pick(random, [
          "What does the text say?",
          "Which word is written in the picture?",
          "Read the word.",
          "What is written here?",
          "What word can you read?",
        ]),
        answer: word.text,
      },
  },
  {
    name: "first letter",
    weight: 1.5,
    ask: ({ word }, random) =>
      word && {
        question: pick(random, [
          "What is the first letter of the word?",
          "Which letter does the word start with?",
          "With which letter does the text begin?",
        ]),
        answer: word.text.at(0)!,
      },
  },
  {
    name: "last letter",
    weight: 1.5,
    ask: ({ word }, random) =>
      word && {
        question: pick(random, [
          "What is the last letter of the word?",
          "Which letter does the word end with?",
          "With which letter does the text end?",
        ]),
        answer: word.text.at(-1)!,
      },
  },
  {
    name: "how many letters",
    weight: 0.8,
    ask: ({ word }, random) =>
      word && {
        question: pick(random, ["How many letters does the word have?", "How long is the word, in letters?"]),
        answer: String(word.text.length),
      },
  },
  {
    name: "does it say",
    topic: "reading",
    weight: 1.5,
    ask: ({ split, word }, random) => {
      if (!word) return undefined;
      const yes = chance(random, 0.5);
      const text = yes ? word.text : drawOtherWord(random, split, word.text);
      const question = pick(random, [
        `Does it say "${text}"?`,
        `Is the word "${text}"?`,
        `Is "${text}" written in the picture?`,
      ]);
      return { question, answer: yesNo(yes) };
    },
  },
  {
    name: "is there text",
    weight: 1.2,
    ask: ({ word }, random) => ({
      question: pick(random, [
        "Is there any text in the picture?",
        "Does the picture contain a word?",
        "Can you see any letters?",
      ]),
      answer: yesNo(word !== undefined),
    }),
  },
];
