import { describe, expect, it } from "vitest";
import { float32 } from "../tensor/index.ts";
import { tinyConfig } from "../testing/index.ts";
import { trainingBatch } from "./training-batch.ts";
import { mixedSamples } from "./training-for-tests.ts";

const config = tinyConfig();
const options = { config, latents: 4, bucket: 8 };

describe("trainingBatch", () => {
  it("counts what the losses are averaged over", () => {
    const { answerTokens, instructionTokens, samples } = trainingBatch(mixedSamples(config), options);

    expect({ answerTokens, instructionTokens, samples }).toEqual({ answerTokens: 7, instructionTokens: 4, samples: 3 });
  });

  it("rounds lengths up to the bucket, and tells the sizes of its feeds", () => {
    const { feeds, sizes } = trainingBatch(mixedSamples(config), options);

    expect(sizes).toEqual({ B: 3, I: 8, M: 8, R: 2, S: 32, T: 8 }); // 16 + 2·4 image and latent rows + 7 of text = 31
    expect(feeds.input_ids!.shape).toEqual([3, 8]);
    expect(feeds.row_source!.shape).toEqual([3, 32]);
    expect(feeds.latent_rows!.shape).toEqual([3, 2, 4]);
    expect(feeds.instruction_ids!.shape).toEqual([3, 8]);
    expect(Array.from(feeds.answer_weights!.data as Float32Array)).toEqual([1, 1, 1, 1, 1, 1, 1, 0]);
  });

  it("does not pad instructions under released semantics, where padding counts", () => {
    const released = { ...options, config: tinyConfig({ semantics: "released" }) };

    expect(trainingBatch(mixedSamples(config), released).sizes).toMatchObject({ I: 3, M: 8, S: 32 });
  });

  it("gives a sample without a picture zero pixels and no instruction", () => {
    const { feeds } = trainingBatch(mixedSamples(config), options);
    const pixels = feeds.pixel_values!.data as Float32Array;
    const mask = Array.from(feeds.instruction_mask!.data as Float32Array);

    const isZero = (values: Float32Array) => values.every((value) => value === 0);

    expect(isZero(pixels.slice((pixels.length / 3) * 2))).toBe(true);
    expect(isZero(pixels.slice(0, pixels.length / 3))).toBe(false);
    expect(mask.slice(16)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("refuses no samples, a bucket of nothing and pictures of another tower", () => {
    const [sample] = mixedSamples(config);
    const small = { wholeImage: float32([1, 3, 2, 2], new Float32Array(12)), subImages: sample.picture!.subImages };

    expect(() => trainingBatch([], options)).toThrow("training batch: expected at least one sample, got none");
    expect(() => trainingBatch([sample], { ...options, bucket: 0 })).toThrow("whole number of 1 or more, got 0");
    expect(() => trainingBatch([{ ...sample, picture: small }], options)).toThrow(
      "training batch: picture of sample 0: expected [1, 3, 16, 16], got [1, 3, 2, 2]",
    );
  });
});
