import { describe, expect, it } from "vitest";
import { recordedSegments } from "./recorded-segments.ts";

const image = { kind: "image" };
const latent = { kind: "latent" };
const text = (ids: number[], supervised = false, endsQuestion = false) => ({
  kind: "text",
  ids,
  supervised,
  endsQuestion,
});

describe("recordedSegments", () => {
  it("gives the image to the first placeholder and latents to every later one, whatever their names", () => {
    expect(recordedSegments([1, -300, 2, -200, 3])).toEqual([
      text([1]),
      image,
      text([2]),
      latent,
      text([3], false, true),
    ]);
    expect(recordedSegments([-200, -300, 3])).toEqual([image, latent, text([3], false, true)]);
  });

  it("has latents alone where no image placeholder occurs", () => {
    expect(recordedSegments([1, -300, 2])).toEqual([text([1]), latent, text([2], false, true)]);
  });

  it("ends questions and supervises answers where the labels say so", () => {
    const ids = [-300, -200, 5, 6, 7, 8, -300, 9, 10];
    const labels = [-100, -100, -100, -400, 7, 8, -100, -400, 10];

    expect(recordedSegments(ids, labels)).toEqual([
      image,
      latent,
      text([5, 6], false, true),
      text([7, 8], true),
      latent,
      text([9], false, true),
      text([10], true),
    ]);
  });

  it("ends the question at the last token without labels", () => {
    expect(recordedSegments([4, 5])).toEqual([text([4, 5], false, true)]);
  });
});
