import { describe, expect, test } from "vitest";
import { epochBatches } from "./epoch.ts";
import { shapeClasses } from "./shape-classes.ts";
import { stepPlans, stepsOfEpoch } from "./step-plans.ts";

/** Samples of given rows; every fourth has two questions. */
function samples(rows: readonly number[]) {
  return rows.map((length, index) => ({
    tokens: length - 10,
    rows: length,
    questions: index % 4 === 3 ? 2 : 1,
    instruction: 5 + (index % 3),
    answers: 2 + (index % 5),
  }));
}

const mixed = samples(Array.from({ length: 103 }, (_, i) => 20 + ((i * 37) % 90)));
const options = { limit: 4, latents: 16 };

describe("shape classes", () => {
  test("hold every sample once, none larger than its class or a later one", () => {
    const classes = shapeClasses(mixed, options);

    expect(classes.flatMap(({ members }) => members).toSorted((a, b) => a - b)).toEqual(mixed.map((_, i) => i));
    classes.forEach(({ members }, index) => {
      for (const later of classes.slice(index)) {
        for (const sample of members.map((member) => mixed[member]!)) {
          expect(later.tokens).toBeGreaterThanOrEqual(sample.tokens);
          expect(later.instruction).toBeGreaterThanOrEqual(sample.instruction);
          expect(later.questions).toBeGreaterThanOrEqual(sample.questions);
          for (const q of [4, 64]) expect(later.rows(q)).toBeGreaterThanOrEqual(sample.rows + sample.questions * q);
        }
      }
    });
  });

  test("cut where lengths differ most", () => {
    const classes = shapeClasses(samples([20, 21, 22, 100, 101, 300]), { limit: 3, latents: 0 });

    expect(classes.map(({ members }) => members)).toEqual([[0, 1, 2], [3, 4], [5]]);
  });

  test("are few where lengths are alike, whatever the limit", () => {
    expect(
      shapeClasses(samples([61, 61, 61, 61].map((rows, i) => rows + (i % 2))), { limit: 9, latents: 0 }),
    ).toHaveLength(1);
  });
});

/** Two of three samples have a picture of 64 rows on top of their text. */
const modalities = mixed.map((sample, index) => {
  return index % 3 === 0 ? sample : { ...sample, rows: sample.rows + 64, picture: `${index}.png` };
});

describe("text-only samples", () => {
  const classes = shapeClasses(modalities, options);
  const isText = (index: number) => modalities[index]!.rows === mixed[index]!.rows;

  test("never share a class or a micro-batch with samples that have a picture", () => {
    for (const size of [1, 4, 8, 200]) {
      const batches = epochBatches(classes, { size, seed: 1, stream: "a" });

      expect(batches.flatMap(({ members }) => members).toSorted((a, b) => a - b)).toEqual(mixed.map((_, i) => i));
      for (const { shape, members } of batches) {
        expect(new Set(members.map(isText))).toEqual(new Set([shape.modality === "text"]));
        for (const member of members) expect(shape.rows(16)).toBeGreaterThanOrEqual(modalities[member]!.rows);
      }
      // 35 of text, 68 with a picture: of either what is left over is one micro-batch.
      expect(batches.filter(({ members }) => members.length < size)).toHaveLength(size === 1 ? 0 : size === 4 ? 1 : 2);
      expect(batches).toHaveLength(stepsOfEpoch(classes, size, 1));
    }
  });

  test("are measured by themselves: no class of theirs has room for a picture", () => {
    const [text, picture] = (["text", "picture"] as const).map((modality) => {
      return classes.filter((shape) => shape.modality === modality);
    });
    const rows = (index: number) => modalities[index]!.rows + 16 * modalities[index]!.questions;
    const largest = (isKind: (index: number) => boolean) =>
      Math.max(
        ...mixed
          .map((_, i) => i)
          .filter(isKind)
          .map(rows),
      );

    expect(text!.at(-1)!.rows(16)).toBe(largest(isText));
    expect(picture!.at(-1)!.rows(16)).toBe(largest((index) => !isText(index)));
    expect([text!.length, picture!.length]).toEqual([4, 4]);
    for (const { members, answers, rows: length } of classes) {
      const counts = members.map((index) => modalities[index]!.answers);
      expect(answers.mean).toBeCloseTo(counts.reduce((sum, count) => sum + count, 0) / counts.length, 10);
      expect(length(16)).toBe(Math.max(...members.map(rows)));
    }
  });

  test("have an order that the seed decides", () => {
    const order = (seed: number) => epochBatches(classes, { size: 4, seed, stream: "a" });

    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
  });
});

describe("an epoch", () => {
  const classes = shapeClasses(mixed, options);
  const order = (seed: number, stream: string) => epochBatches(classes, { size: 8, seed, stream });

  test("has every sample once, in whole batches but for one", () => {
    const batches = order(1, "a");

    expect(batches.flatMap(({ members }) => members).toSorted((a, b) => a - b)).toEqual(mixed.map((_, i) => i));
    expect(batches.filter(({ members }) => members.length !== 8)).toHaveLength(1);
    expect(batches).toHaveLength(stepsOfEpoch(classes, 8, 1));
  });

  test("has the order that its seed and stream decide", () => {
    expect(order(1, "a")).toEqual(order(1, "a"));
    expect(order(1, "a")).not.toEqual(order(2, "a"));
    expect(order(1, "a")).not.toEqual(order(1, "b"));
  });

  test("is cut into steps, each with a Q of the set; all of them occur", () => {
    const plans = [
      ...stepPlans({ classes, microBatch: 4, partsPerStep: 2, epochs: 2, latentCounts: [4, 16], seed: 3, stream: "x" }),
    ];

    expect(plans).toHaveLength(2 * stepsOfEpoch(classes, 4, 2));
    expect(new Set(plans.map(({ latents }) => latents))).toEqual(new Set([4, 16]));
    expect(plans.at(-1)!.epoch).toBe(1);
  });
});
