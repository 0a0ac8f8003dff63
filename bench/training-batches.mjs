// Training batches from a seed: pictures of noise and questions of random ids, laid out as the trainer lays out conversations.

import { createNormal, createRandom } from "@fusion-vlm/core";
import { trainingBatch } from "@fusion-vlm/core/train";

/** Ids below this are left to padding and control tokens. */
const firstId = 8;
const bucket = 16;
/** Tokens of a system prompt, of a question with its template, and of an answer; the latter two differ by up to the second number. */
const lengths = { system: [12, 0], question: [10, 8], answer: [3, 5] };

/**
 * A batch as the trainer would give it to {@link TrainingState}, the same for the same seed.
 *
 * @param config - the model; ids and pictures fit it
 * @param options - samples B, questions R of each, latents Q
 */
export function syntheticBatch(config, { samples, questions, latents, seed = 0 }) {
  const all = Array.from({ length: samples }, (_, index) => syntheticSample(config, questions, `${seed} ${index}`));
  return trainingBatch(all, { config, latents, bucket });
}

function syntheticSample({ language, vision }, questions, stream) {
  const random = createRandom(1, stream);
  const draw = (least, range) => least + Math.floor(random() * range);
  const ids = ([least, range]) =>
    Array.from({ length: draw(least, range + 1) }, () => draw(firstId, language.vocabularySize - firstId));
  const turns = Array.from({ length: questions }, () => ({
    question: ids(lengths.question),
    answer: ids(lengths.answer),
  }));
  const text = (tokens, isAnswer, endsQuestion) => ({ kind: "text", ids: tokens, supervised: isAnswer, endsQuestion });
  return {
    segments: [
      text(ids(lengths.system), false, false),
      { kind: "image" },
      ...turns.flatMap(({ question, answer }) => [
        { kind: "latent" },
        text(question, false, true),
        text(answer, true, false),
      ]),
    ],
    instruction: turns.flatMap(({ question }) => question).slice(0, 256),
    picture: {
      wholeImage: noise([1, 3, vision.imageSize, vision.imageSize], `${stream} whole`),
      subImages: noise([4, 3, vision.imageSize, vision.imageSize], `${stream} parts`),
    },
  };
}

function noise(shape, stream) {
  const next = createNormal(1, stream);
  const size = shape.reduce((product, dim) => product * dim, 1);
  return { dtype: "float32", shape, data: Float32Array.from({ length: size }, next) };
}
