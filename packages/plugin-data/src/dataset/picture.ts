import { captionOf, type Question, questionsOf } from "../questions/index.ts";
import { createRandom } from "../random/random.ts";
import { describeScene, descriptionOf, type Scene, type Split } from "../scene/index.ts";

/** All that is said about one picture of a dataset. */
export interface PictureText {
  readonly id: string;
  /** Path of the picture inside the dataset, with forward slashes. */
  readonly image: string;
  readonly scene: Scene;
  readonly description: string;
  readonly instruction: string;
  readonly caption: string;
  readonly questions: readonly Question[];
}

/**
 * The texts of picture `index` of a split. They depend on seed, split and index alone: a larger dataset begins with the
 * smaller one of the same seed.
 *
 * @param index - from 0
 */
export function writePicture(seed: number, split: Split, index: number, questions: number): PictureText {
  const random = (part: string) => createRandom(seed, `${split}/${index}/${part}`);
  const scene = describeScene(random("scene"), split);
  const id = `${split === "heldout" ? "heldout-" : ""}${String(index + 1).padStart(6, "0")}`;
  return {
    id,
    image: `images/${id}.png`,
    scene,
    description: descriptionOf(scene),
    ...captionOf(scene, random("caption")),
    questions: questionsOf(scene, random("questions"), questions),
  };
}

interface Turn {
  readonly from: "human" | "gpt";
  readonly value: string;
}

/** A sample of LLaVA's data format. */
export interface Sample {
  readonly id: string;
  readonly image: string;
  /** Of samples with one question. */
  readonly kind?: string;
  /** Of samples with several, one for each. */
  readonly kinds?: readonly string[];
  readonly conversations: readonly Turn[];
}

const turns = (question: string, answer: string): Turn[] => [
  { from: "human", value: question },
  { from: "gpt", value: answer },
];

/** All questions of the picture as one conversation. */
export function conversationSample({ id, image, questions }: PictureText): Sample {
  const conversations = questions.flatMap(({ question, answer }, turn) =>
    turns(turn === 0 ? `<image>\n${question}` : question, answer),
  );
  return { id, image, kinds: questions.map(({ kind }) => kind), conversations };
}

/** One sample a question, so that each is answered from the picture alone. */
export function questionSamples({ id, image, questions }: PictureText): Sample[] {
  return questions.map(({ kind, question, answer }, index) => ({
    id: `${id}-${index + 1}`,
    image,
    kind,
    conversations: turns(`<image>\n${question}`, answer),
  }));
}

export function captionSample({ id, image, instruction, caption }: PictureText): Sample {
  return { id, image, conversations: turns(`<image>\n${instruction}`, caption) };
}
