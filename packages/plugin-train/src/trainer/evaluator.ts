import type { EvaluationResult, TrainingState } from "@fusion-vlm/core/train";
import { inOrder } from "@fusion-vlm/plugin-kit";
import type { MicroBatch } from "../batches/epoch.ts";
import type { Phase, PreparedPart } from "./phase.ts";
import { type PartLosses, sourceLosses } from "./source-losses.ts";
import type { EvaluationEvent } from "./train-events.ts";

/** Batches whose data are made ready ahead, the one that runs included. */
const batchesAhead = 3;

export interface EvaluatorOptions {
  readonly heldout: Phase;
  /** Q that every sample is evaluated with. */
  readonly latents: number;
  readonly microBatch: number;
  /** λ */
  readonly mappingWeight: number;
}

export type Evaluation = Omit<EvaluationEvent, "type" | "step" | "stage" | "best">;

/** Evaluates a model in training on held-out samples, always the same ones in the same order. */
export class Evaluator {
  constructor(private readonly options: EvaluatorOptions) {}

  /** The samples. */
  get heldout(): Phase {
    return this.options.heldout;
  }

  /** Undefined when the signal has stopped it. */
  async evaluate(state: TrainingState, signal?: AbortSignal): Promise<Evaluation | undefined> {
    const { heldout, latents, mappingWeight } = this.options;
    const began = performance.now();
    const parts: PartLosses[] = [];
    const sums = { answer: 0, visionToText: 0, textToVision: 0, answers: 0, instructions: 0, samples: 0 };
    let right = 0;
    let hits = 0;
    const prepare = (batch: MicroBatch) => heldout.prepare({ epoch: 0, latents, parts: [batch] });
    for await (const { parts: prepared } of inOrder(this.#batches(), batchesAhead, prepare)) {
      if (signal?.aborted) return undefined;
      for (const part of prepared) {
        const { batch } = part;
        const result = await state.evaluate([batch], latents);
        sums.answer += result.answer * batch.answerTokens;
        sums.visionToText += result.visionToText * batch.instructionTokens;
        sums.textToVision += result.textToVision * batch.samples;
        sums.answers += batch.answerTokens;
        sums.instructions += batch.instructionTokens;
        sums.samples += batch.samples;
        hits += result.answerHits[0]!.reduce((sum, hit) => sum + hit, 0);
        right += samplesRight(part, result);
        parts.push({ part, answerLosses: result.answerLosses[0]! });
      }
    }
    const mean = (sum: number, count: number) => (count > 0 ? sum / count : 0);
    const answer = mean(sums.answer, sums.answers);
    const visionToText = mean(sums.visionToText, sums.instructions);
    const textToVision = mean(sums.textToVision, sums.samples);
    return {
      ...{ samples: sums.samples, loss: answer + mappingWeight * (visionToText + textToVision) },
      ...{ answer, visionToText, textToVision },
      tokenAccuracy: mean(hits, sums.answers),
      exactMatch: mean(right, sums.samples),
      sources: sourceLosses(parts),
      seconds: (performance.now() - began) / 1000,
    };
  }

  *#batches(): Generator<MicroBatch> {
    const { heldout, microBatch } = this.options;
    for (const shape of heldout.classes) {
      for (let begin = 0; begin < shape.members.length; begin += microBatch) {
        yield { shape, members: shape.members.slice(begin, begin + microBatch) };
      }
    }
  }
}

/** Samples all of whose answer tokens are the likeliest ones. */
function samplesRight({ batch }: PreparedPart, { answerHits }: EvaluationResult): number {
  const wrong = new Set(batch.answerSamples.filter((_, token) => answerHits[0]![token] === 0));
  return batch.samples - wrong.size;
}
