import type { BeginEvent, DataEvent, EvaluationEvent, StepEvent } from "../trainer/train-events.ts";

/** Events of a training as it might have been: the loss is 8 over the step. */
export function dataEvent(more: Partial<DataEvent> = {}): DataEvent {
  const { file = "d/captions.json" } = more;
  return {
    ...{ type: "data", file, source: file, samples: 40, pictures: 40, skipped: [], cutInstructions: 0 },
    ...{ bytes: 9000, records: 40, sha256: "0".repeat(64), sampling: "all", duplicateIds: { count: 0, first: [] } },
    ...more,
  };
}

export function beginEvent(more: Partial<BeginEvent> = {}): BeginEvent {
  return {
    ...{ type: "begin", stage: null, stepsBefore: 0, model: "preset nano", parameters: 3_520_000, device: "cpu" },
    ...{ phases: [], steps: 1000, settings: { seed: 7, batchSize: 16, learningRate: 0.002 } },
    ...{ machine: { processor: "Test", cores: 2, threads: "default" } },
    ...more,
  };
}

export function stepEvent(step: number, more: Partial<StepEvent> = {}): StepEvent {
  const answer = 7 / step;
  return {
    ...{ type: "step", step, stage: null, phase: "d/captions.json", epoch: 0, loss: 8 / step, answer },
    ...{ visionToText: 0.9, textToVision: 0.8, sources: [{ source: "d/captions.json", answer, answerTokens: 300 }] },
    ...{ gradientNorm: 1, learningRate: 0.001, latents: 4, samples: 16, answerTokens: 300, seconds: 2 },
    ...{ compiled: step === 1, samplesPerSecond: step === 1 ? 0 : 8, gflops: step === 1 ? 0 : 50 },
    ...{ progress: step / 1000, secondsElapsed: 2 * step, secondsLeft: 200 },
    ...more,
  };
}

export function evaluationEvent(step: number, more: Partial<EvaluationEvent> = {}): EvaluationEvent {
  return {
    ...{
      type: "evaluation",
      step,
      stage: null,
      samples: 50,
      loss: 1,
      answer: 0.9,
      visionToText: 0.5,
      textToVision: 0.4,
    },
    ...{ tokenAccuracy: 0.8, exactMatch: 0.5, sources: [], best: false, seconds: 3 },
    ...more,
  };
}
