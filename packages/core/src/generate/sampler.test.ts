import { describe, expect, it } from "vitest";
import { createRandom } from "../tensor/index.ts";
import { greedy, type SampleOptions, sample } from "./sampler.ts";

const four = Float32Array.of(2, 1, 0, -1);

/** Share of each id among many draws. */
function shares(logits: Float32Array, options: SampleOptions, history: number[] = [], draws = 20_000): number[] {
  const sampler = sample({ seed: 7, ...options });
  const counts = Array.from(logits, () => 0);
  for (let i = 0; i < draws; i++) counts[sampler.next(logits, history)]!++;
  return counts.map((count) => count / draws);
}

/** Ids that are drawn at all. */
const drawn = (...args: Parameters<typeof shares>) => shares(...args).flatMap((share, id) => (share > 0 ? [id] : []));

describe("greedy", () => {
  it("takes the largest logit, and the lowest id of equal ones", () => {
    expect(greedy().next(Float32Array.of(0, 3, 1, 3), [])).toBe(1);
    expect(greedy().next(Float32Array.of(-Infinity, -5, -5), [])).toBe(1);
  });

  it("applies the repetition penalty: positive logits are divided, negative ones multiplied", () => {
    // HF RepetitionPenaltyLogitsProcessor, penalty 2: [3, 2, -1] with history 0 -> [1.5, 2, -1]
    expect(greedy({ repetitionPenalty: 2 }).next(Float32Array.of(3, 2, -1), [0])).toBe(1);
    // [-1, -1.5] with history 0, 0 -> [-2, -1.5]: once, however often the id occurs
    expect(greedy({ repetitionPenalty: 2 }).next(Float32Array.of(-1, -1.5), [0, 0])).toBe(1);
    expect(greedy({ repetitionPenalty: 1.2 }).next(Float32Array.of(-1, -1.5), [0, 0, 0, 0])).toBe(0);
  });

  it("leaves the logits as they are", () => {
    const logits = Float32Array.of(3, 2, -1);

    greedy({ repetitionPenalty: 2 }).next(logits, [0, 2]);

    expect(logits).toEqual(Float32Array.of(3, 2, -1));
  });
});

describe("sample", () => {
  it("draws with the probabilities of the softmax", () => {
    // numpy: softmax([2, 1, 0, -1])
    const expected = [0.6439, 0.2369, 0.0871, 0.0321];

    for (const [id, share] of shares(four, {}).entries()) expect(share).toBeCloseTo(expected[id]!, 2);
  });

  it("divides the logits by the temperature", () => {
    // numpy: softmax([2, 1, 0, -1] / 2)
    const expected = [0.4551, 0.276, 0.1674, 0.1015];

    for (const [id, share] of shares(four, { temperature: 2 }).entries()) expect(share).toBeCloseTo(expected[id]!, 2);
  });

  it("is greedy at temperature 0", () => {
    expect(drawn(four, { temperature: 0 })).toEqual([0]);
  });

  it("keeps the k largest, and those equal to the k-th as transformers does", () => {
    expect(drawn(four, { topK: 1 })).toEqual([0]);
    expect(drawn(four, { topK: 3 })).toEqual([0, 1, 2]);
    expect(drawn(Float32Array.of(1, 3, 1, 0), { topK: 2 })).toEqual([0, 1, 2]);
    expect(drawn(four, { topK: 9 })).toEqual([0, 1, 2, 3]);
  });

  it("keeps the smallest set whose probability reaches p", () => {
    // cumulated softmax([2, 1, 0, -1]): .6439 .8808 .9679 1
    expect(drawn(four, { topP: 0.5 })).toEqual([0]);
    expect(drawn(four, { topP: 0.65 })).toEqual([0, 1]);
    expect(drawn(four, { topP: 0.88 })).toEqual([0, 1]);
    expect(drawn(four, { topP: 0.9 })).toEqual([0, 1, 2]);
    expect(drawn(four, { topP: 0.97 })).toEqual([0, 1, 2, 3]);
    expect(drawn(four, { topP: 1e-9 })).toEqual([0]);
  });

  it("keeps the lowest ids where equally likely tokens compete for the last places of top-p", () => {
    expect(drawn(Float32Array.of(0, 0, 0, 0), { topP: 0.6 })).toEqual([0, 1, 2]);
  });

  it("applies penalty, temperature, top-k, top-p in this order", () => {
    // After the penalty of 4 on id 0: [.5, 1, 0, -1]; top-k 2 keeps 1 and 0; of these, softmax(1, .5) = .6225, .3775
    expect(drawn(four, { repetitionPenalty: 4, topK: 2 }, [0])).toEqual([0, 1]);
    expect(drawn(four, { repetitionPenalty: 4, topK: 2, topP: 0.6 }, [0])).toEqual([1]);
    // Temperature 10 before top-p flattens the softmax: .2869 .2596 .2349 .2125 sums to .7814 at the third
    expect(drawn(four, { temperature: 10, topP: 0.7 })).toEqual([0, 1, 2]);
  });

  it("never draws a token with logit -Infinity", () => {
    expect(drawn(Float32Array.of(-Infinity, 0, -Infinity, 0), {})).toEqual([1, 3]);
  });

  it("makes the same choices with the same seed, and others with another", () => {
    const flat = new Float32Array(1000);
    const choices = (seed: number) => {
      const sampler = sample({ seed });
      return Array.from({ length: 8 }, () => sampler.next(flat, []));
    };

    expect(choices(3)).toEqual(choices(3));
    expect(choices(3)).not.toEqual(choices(4));
  });

  it("agrees with sorting everything, for random logits and options", () => {
    const random = createRandom(11);
    for (let round = 0; round < 300; round++) {
      const size = 1 + Math.floor(random() * 200);
      // Coarse steps make ties.
      const logits = Float32Array.from({ length: size }, () => Math.round((random() * 12 - 6) * 4) / 4);
      const options = {
        temperature: 0.2 + random() * 2,
        topK: random() < 0.5 ? 0 : 1 + Math.floor(random() * size),
        topP: random() < 0.3 ? 1 : 0.05 + random() * 0.95,
        repetitionPenalty: random() < 0.5 ? 1 : 0.5 + random() * 2,
      };
      const history = Array.from({ length: 5 }, () => Math.floor(random() * size));

      const actual = sample({ ...options, seed: round }).next(logits, history);

      expect(actual).toBe(sampleSlowly(logits, history, options, createRandom(round, "sampler")()));
    }
  });

  it.each([
    [{ temperature: -0.1 }, "temperature: expected a finite number of 0 or more, got -0.1"],
    [{ temperature: Number.NaN }, "temperature: expected a finite number of 0 or more, got NaN"],
    [{ topK: 1.5 }, "topK: expected a whole number of 0 or more, got 1.5"],
    [{ topP: 0 }, "topP: expected a number above 0 and up to 1, got 0"],
    [{ topP: 1.01 }, "topP: expected a number above 0 and up to 1, got 1.01"],
    [{ repetitionPenalty: 0 }, "repetitionPenalty: expected a finite number above 0, got 0"],
    [
      { temperature: "0.5" as unknown as number },
      'temperature: expected a finite number of 0 or more, got "0.5" (a string)',
    ],
    [{ seed: -1 }, "seed: expected an integer from 0 to 2^53 - 1, got -1"],
  ])("refuses %o", (options, message) => {
    expect(() => sample(options)).toThrow(expect.objectContaining({ code: "OPTION_INVALID", message }));
  });

  it.each([
    [Float32Array.of(1, Number.NaN), "NaN"],
    [Float32Array.of(Number.NaN, 1), "NaN"],
    [Float32Array.of(1, Infinity), "Infinity"],
    [Float32Array.of(-Infinity), "-Infinity"],
    [new Float32Array(0), "none"],
  ])("refuses logits %o", (logits, actual) => {
    const message = `sampler: logits: expected numbers, the largest of them finite, got ${actual}`;

    expect(() => sample().next(logits, [])).toThrow(expect.objectContaining({ code: "BACKEND_FAILED", message }));
  });

  it("refuses a history id outside the vocabulary", () => {
    expect(() => greedy({ repetitionPenalty: 2 }).next(four, [4])).toThrow(
      expect.objectContaining({ message: "sampler: history: expected ids from 0 to 3, got 4" }),
    );
  });
});

/** The definition, written out: sort everything, cut, renormalise, and walk in the order of ids. */
function sampleSlowly(
  logits: Float32Array,
  history: number[],
  { temperature, topK, topP, repetitionPenalty }: Required<Omit<SampleOptions, "seed">>,
  uniform: number,
): number {
  const scores = Float32Array.from(logits, (score, id) => {
    if (!history.includes(id)) return score;
    return score < 0 ? score * repetitionPenalty : score / repetitionPenalty;
  });
  let order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
  if (topK > 0) order = order.filter((id) => scores[id]! >= scores[order[Math.min(topK, order.length) - 1]!]!);
  const weight = (id: number) => Math.exp((scores[id]! - scores[order[0]!]!) / temperature);
  const mass = (ids: number[]) => ids.reduce((sum, id) => sum + weight(id), 0);
  const total = mass(order);
  if (topP < 1) order = order.filter((_, rank) => rank === 0 || mass(order.slice(0, rank)) < topP * total);
  const kept = order.sort((a, b) => a - b);
  const keptMass = mass(kept);
  return kept.find((_, i) => mass(kept.slice(0, i + 1)) > uniform * keptMass)!;
}
