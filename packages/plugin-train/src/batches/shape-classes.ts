import type { SampleLengths } from "../dataset/sample-planner.ts";

/** A sample to be grouped; without a picture it is a text-only one. */
export interface ShapedSample extends SampleLengths {
  readonly picture?: unknown;
}

/** Whether samples have a picture. */
export type Modality = "text" | "picture";

/**
 * Samples of one modality that are padded to the same sizes.
 *
 * Sizes grow from class to class of a modality: a sample fits every later class of it too.
 */
export interface ShapeClass {
  readonly modality: Modality;
  /** Indices of its samples. */
  readonly members: readonly number[];
  readonly tokens: number;
  readonly questions: number;
  readonly instruction: number;
  /** Answer tokens of one sample: mean and standard deviation, and the largest number. */
  readonly answers: { readonly mean: number; readonly deviation: number; readonly largest: number };
  /** Rows of the longest sample under Q latents per question. */
  rows(latents: number): number;
}

export interface ShapeClassOptions {
  /** Most classes of a modality: more of them pad less, and mix samples less. */
  readonly limit: number;
  /** Q by which lengths are compared. */
  readonly latents: number;
}

/** Lengths closer than this are one length. */
const grain = 16;

/** A further class must save this share of all rows, or it is not worth mixing samples less. */
const worthwhile = 0.02;

/**
 * Groups samples of one modality and of similar length, so that as few rows as possible are padding.
 *
 * A text-only sample lacks a picture's rows and has a zero picture to run through the vision tower, so the two kinds never
 * run together. Text-only classes come first.
 */
export function shapeClasses(samples: readonly ShapedSample[], options: ShapeClassOptions): ShapeClass[] {
  return (["text", "picture"] as const).flatMap((modality) => {
    const members = [...samples.keys()].filter((index) => modalityOf(samples[index]!) === modality);
    return members.length === 0 ? [] : classesOf(modality, members, samples, options);
  });
}

function modalityOf({ picture }: ShapedSample): Modality {
  return picture === undefined ? "text" : "picture";
}

function classesOf(
  modality: Modality,
  candidates: readonly number[],
  samples: readonly SampleLengths[],
  { limit, latents }: ShapeClassOptions,
): ShapeClass[] {
  const groups = new Map<number, number[]>();
  for (const index of candidates) {
    const { rows, questions } = samples[index]!;
    const length = Math.ceil((rows + questions * latents) / grain) * grain;
    const group = groups.get(length);
    if (group) group.push(index);
    else groups.set(length, [index]);
  }
  const lengths = [...groups.keys()].toSorted((a, b) => a - b);
  const ends = cheapestEnds(
    lengths,
    lengths.map((length) => groups.get(length)!.length),
    limit,
  );
  const classes: ShapeClass[] = [];
  let begin = 0;
  let seen: SampleLengths[] = [];
  for (const end of ends) {
    const members = lengths.slice(begin, end).flatMap((length) => groups.get(length)!);
    seen = longestOf([...seen, ...members.map((index) => samples[index]!)]);
    classes.push({ modality, ...shapeOf(members, samples, seen) });
    begin = end;
  }
  return classes;
}

/** Of each number of questions, a sample as large as the largest: all that the sizes of a class depend on. */
function longestOf(samples: readonly SampleLengths[]): SampleLengths[] {
  const longest = new Map<number, SampleLengths>();
  for (const sample of samples) {
    const known = longest.get(sample.questions);
    longest.set(sample.questions, {
      questions: sample.questions,
      tokens: Math.max(sample.tokens, known?.tokens ?? 0),
      rows: Math.max(sample.rows, known?.rows ?? 0),
      instruction: Math.max(sample.instruction, known?.instruction ?? 0),
      answers: Math.max(sample.answers, known?.answers ?? 0),
    });
  }
  return [...longest.values()];
}

function shapeOf(members: number[], samples: readonly SampleLengths[], seen: readonly SampleLengths[]) {
  const largest = (of: (sample: SampleLengths) => number) => Math.max(...seen.map(of));
  const answers = members.map((index) => samples[index]!.answers);
  const mean = answers.reduce((sum, count) => sum + count, 0) / answers.length;
  const variance = answers.reduce((sum, count) => sum + (count - mean) ** 2, 0) / answers.length;
  return {
    members,
    tokens: largest(({ tokens }) => tokens),
    questions: largest(({ questions }) => questions),
    instruction: largest(({ instruction }) => instruction),
    answers: { mean, deviation: Math.sqrt(variance), largest: largest((sample) => sample.answers) },
    rows: (latents: number) => largest(({ rows, questions }) => rows + questions * latents),
  };
}

/**
 * Cuts sorted lengths into classes of least total rows, by dynamic programming over the place of the last cut.
 *
 * @returns for each class the index behind its last length
 */
function cheapestEnds(lengths: readonly number[], counts: readonly number[], limit: number): number[] {
  const before = [0];
  for (const count of counts) before.push(before.at(-1)! + count);
  const rows = (begin: number, end: number) => (before[end]! - before[begin]!) * lengths[end - 1]!;
  const total = lengths.length;
  let best = Array.from({ length: total + 1 }, (_, end) => ({ cost: end === 0 ? 0 : rows(0, end), ends: [end] }));
  for (let classes = 2; classes <= Math.min(limit, total); classes++) {
    const next = best.map((known, end) => {
      let cheapest = known;
      for (let cut = 1; cut < end; cut++) {
        const cost = best[cut]!.cost + rows(cut, end);
        if (cost < cheapest.cost) cheapest = { cost, ends: [...best[cut]!.ends, end] };
      }
      return cheapest;
    });
    const saved = best[total]!.cost - next[total]!.cost;
    if (saved < worthwhile * best[total]!.cost) break;
    best = next;
  }
  return best[total]!.ends;
}
