import type { FusionModel, ImageSource } from "@fusion-vlm/core";
import type { GenerationSettings } from "@fusion-vlm/plugin-kit";
import { type AnswerFacts, collectAnswer, questionOptions, tenths } from "./answer.ts";
import { type ModelFacts, modelFacts } from "./model-facts.ts";

export interface AskOptions {
  /** Absent: a question without a picture. */
  readonly image?: ImageSource;
  readonly question: string;
  readonly system?: string;
  readonly autoOrient?: boolean;
  readonly generation: GenerationSettings;
  readonly signal?: AbortSignal;
  /** Hears the answer as it is made. */
  readonly onText: (text: string) => void;
}

/** The document of `fusion ask`. */
export interface AskResult extends AnswerFacts {
  /** As of an answer, and `load`: the model, from files to ready. */
  readonly timing: AnswerFacts["timing"] & { readonly load: number };
  readonly model: ModelFacts;
}

/** Asks one question. Throws as `FusionModel.stream`. */
export async function askQuestion(
  model: FusionModel,
  { generation, onText, ...options }: AskOptions,
): Promise<AskResult> {
  const answer = await collectAnswer(model.stream({ ...questionOptions(generation), ...options }), onText);
  return {
    ...answer,
    timing: { load: tenths(model.info.loadTime), ...answer.timing },
    model: modelFacts(model.info),
  };
}
