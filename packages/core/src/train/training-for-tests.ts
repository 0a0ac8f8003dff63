import type { FusionConfig } from "../fusion/index.ts";
import { createNormal, float32, sizeOf, type Tensor } from "../tensor/index.ts";
import type { Segment } from "../text/index.ts";
import type { TrainingSample } from "./training-batch.ts";

const noise = (name: string, shape: readonly number[]): Tensor<"float32"> => {
  const next = createNormal(11, name);
  return float32(
    shape,
    Array.from({ length: sizeOf(shape) }, () => next()),
  );
};

/** A question with latents in front of it, and its answer. */
export function turn(question: readonly number[], answer: readonly number[]): Segment[] {
  return [
    { kind: "latent" },
    { kind: "text", ids: question, supervised: false, endsQuestion: true },
    { kind: "text", ids: answer, supervised: true, endsQuestion: false },
  ];
}

/** A sample with a picture of noise, the same for the same name. */
export function pictured(
  { vision }: FusionConfig,
  name: string,
  instruction: number[],
  ...turns: Segment[][]
): TrainingSample {
  const side = vision.imageSize;
  return {
    segments: [{ kind: "image" }, ...turns.flat()],
    instruction,
    picture: {
      wholeImage: noise(`${name} whole`, [1, 3, side, side]),
      subImages: noise(`${name} parts`, [4, 3, side, side]),
    },
  };
}

/** Three samples with different numbers of questions, answer tokens and instruction tokens; the last has no picture. */
export function mixedSamples(config: FusionConfig): [TrainingSample, TrainingSample, TrainingSample] {
  return [
    pictured(config, "one", [12, 13, 14], turn([11, 12], [21, 22, 23]), turn([13], [24])),
    pictured(config, "two", [15], turn([15, 16, 17], [25])),
    { segments: turn([16], [26, 27]), instruction: [0] },
  ];
}
