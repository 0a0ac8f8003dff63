import type { TrainingState } from "@fusion-vlm/core/train";
import { inOrder } from "@fusion-vlm/plugin-kit";
import { epochBatches, type MicroBatch } from "../batches/epoch.ts";
import type { StepPlan } from "../batches/step-plans.ts";
import { throwIfAborted } from "../trainer/abort.ts";
import type { Phase } from "../trainer/phase.ts";

/** Steps of one phase, shape class and number of latents. */
export interface StepKind {
  readonly phase: number;
  /** Index of the shape class that its batches are of. */
  readonly shape: number;
  /** Q */
  readonly latents: number;
}

export interface MeasuredKind extends StepKind {
  /** Of one step, averaged; compiling is not in it. */
  readonly seconds: number;
  readonly steps: number;
}

export interface ProbeResult {
  readonly kinds: readonly MeasuredKind[];
  /** Compiling all programs that were needed. */
  readonly compileSeconds: number;
  /** That the measuring took. */
  readonly seconds: number;
}

export interface ProbeOptions {
  readonly state: TrainingState;
  readonly phases: readonly Phase[];
  readonly kinds: readonly StepKind[];
  readonly microBatch: number;
  /** Micro-batches of a step. */
  readonly parts: number;
  readonly seed: number;
  /** Take pictures that are not prepared yet for every step, as a first epoch does; else those of the step before. */
  readonly fresh: boolean;
  /** Measuring goes on until it has taken this long. */
  readonly seconds: number;
  readonly signal?: AbortSignal;
}

const leastRounds = 2;
const mostRounds = 8;
/** As a training has them. */
const stepsAhead = 3;

/**
 * Runs a few real steps of every kind, data made ready ahead as a training does, at a learning rate of 0.
 *
 * The kinds take turns, so that all of them see the machine as busy as it is by and by. The first turn compiles, and is not
 * averaged.
 */
export async function probeSteps(options: ProbeOptions): Promise<ProbeResult> {
  const { state, phases, kinds, seconds: budget, signal } = options;
  const spent = kinds.map(() => ({ first: 0, later: 0, steps: 0 }));
  const began = performance.now();
  let measuredSince = began;
  const isEnough = (round: number) =>
    round > mostRounds || (round > leastRounds && performance.now() - measuredSince > 1000 * budget);
  const sequence = inOrder(turns(options, isEnough), stepsAhead, async ({ kind, round, plan }) => ({
    ...{ kind, round },
    step: await phases[kinds[kind]!.phase]!.prepare(plan),
  }));
  let before = began;
  for await (const { kind, round, step } of sequence) {
    throwIfAborted(signal, "nothing was written");
    await state.step(
      step.parts.map(({ batch }) => batch),
      step.plan.latents,
      0,
    );
    const now = performance.now();
    const took = (now - before) / 1000;
    before = now;
    const own = spent[kind]!;
    if (round === 0) {
      own.first = took;
      measuredSince = now;
    } else {
      own.later += took;
      own.steps += 1;
    }
  }
  const measured = kinds.map((kind, index) => ({
    ...kind,
    seconds: spent[index]!.later / spent[index]!.steps,
    steps: spent[index]!.steps,
  }));
  return {
    kinds: measured,
    compileSeconds: measured.reduce((sum, { seconds }, index) => sum + Math.max(0, spent[index]!.first - seconds), 0),
    seconds: (performance.now() - began) / 1000,
  };
}

interface Turn {
  /** Index of the kind. */
  readonly kind: number;
  readonly round: number;
  readonly plan: StepPlan;
}

/** Round after round a step of each kind. */
function* turns(options: ProbeOptions, isEnough: (round: number) => boolean): Generator<Turn> {
  const { phases, kinds, microBatch, parts, seed, fresh } = options;
  const batches = phases.map(({ classes }, phase) =>
    epochBatches(classes, { size: microBatch, seed, stream: `phase ${phase}, epoch 0` }),
  );
  const taken = new Map<string, number>();
  const next = ({ phase, shape }: StepKind): MicroBatch[] => {
    const own = batches[phase]!.filter((batch) => batch.shape === phases[phase]!.classes[shape]);
    const key = `${phase} ${shape}`;
    const begin = taken.get(key) ?? 0;
    if (fresh) taken.set(key, begin + parts);
    return Array.from({ length: parts }, (_, index) => own[(begin + index) % own.length]!);
  };
  for (let round = 0; !isEnough(round); round++) {
    for (const [kind, { phase, shape, latents }] of kinds.entries()) {
      yield { kind, round, plan: { epoch: 0, latents, parts: next({ phase, shape, latents }) } };
    }
  }
}
