export { captionOf } from "./captions.ts";
export { type Question, type SynthKind, synthKinds } from "./question.ts";
export { mostQuestions, questionsOf } from "./questions-of.ts";
