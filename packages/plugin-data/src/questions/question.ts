import type { ThingName } from "../grammar/index.ts";
import type { Random } from "../random/random.ts";
import type { Scene } from "../scene/index.ts";

/** The kinds of the paper's pretraining data (3.4). */
export const synthKinds = ["SynthColor", "SynthCount", "SynthSpatial", "SynthText", "SynthScene"] as const;
export type SynthKind = (typeof synthKinds)[number];

/** A question about one picture with its only right answer. */
export interface Question {
  readonly kind: SynthKind;
  /** The form it was made from: questions of a form differ in wording and in the things they name. */
  readonly form: string;
  readonly question: string;
  /** One word, or a few. */
  readonly answer: string;
}

/** One way to ask, in several wordings. */
export interface QuestionForm {
  readonly name: string;
  /** How often it is asked, beside the other forms of its kind that the scene allows. */
  readonly weight: number;
  /** Of the forms of a topic, a picture has one: the second would be answered by the first. */
  readonly topic?: string;
  /**
   * Undefined when the scene does not allow it.
   *
   * @param named - things that earlier questions about the picture name, so that asking whether they are there says nothing
   */
  readonly ask: (
    scene: Scene,
    random: Random,
    named: ReadonlySet<ThingName>,
  ) => Omit<Question, "kind" | "form"> | undefined;
}

export function yesNo(yes: boolean): "yes" | "no" {
  return yes ? "yes" : "no";
}
