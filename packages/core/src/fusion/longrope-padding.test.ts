import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { int64, type Tensor } from "../tensor/index.ts";
import { maxRelativeError } from "../testing/index.ts";
import type { Segment } from "../text/index.ts";
import { prefillGraph } from "./graphs.ts";
import { type LayoutOptions, layoutSequence } from "./sequence-layout.ts";
import { cut, image, latent, noise, question, stack, TinyModel, text } from "./tiny-model-for-tests.ts";

const rounding = 2e-5;
const latents = 4;
/** The first length that has long frequencies is one row more; they are far from the short ones. */
const originalLength = 32;

let backend: Backend;
let model: TinyModel;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
  model = new TinyModel(backend, {
    config: {
      rope_scaling: { type: "longrope", short_factor: [1, 1.1, 1.2, 1.3], long_factor: [3, 6, 9, 12] },
      original_max_position_embeddings: originalLength,
    },
  });
});
afterAll(() => backend.dispose());

const short: Segment[] = [text(11), image, text(12), latent, question(13, 14)];
const long: Segment[] = [...short, text(...Array.from({ length: 20 }, (_, i) => 20 + i))];
const shortRows = 1 + 16 + 1 + latents + 2;

/** Logits of every row that counts, one tensor [rows, V] for each sample. */
async function logits(samples: Segment[][], options: Partial<LayoutOptions> = {}): Promise<Tensor[]> {
  const layout = layoutSequence(
    samples.map((segments) => ({ segments, zeroLatents: false })),
    { imageRows: 16, latents, ...options },
  );
  const rows = samples.length * layout.length;
  const copies = (name: string, shape: number[]) => stack(...samples.map(() => noise(name, [1, ...shape])));
  const { logits } = await model.run(prefillGraph(model.config), {
    ...layout.feeds,
    image_tokens: copies("image", [16, 32]),
    latents: copies("latents", [latents, 32]),
    windows: copies("windows", [latents, 9, 32]),
    logit_rows: int64([rows], [...Array(rows).keys()]),
  });
  return layout.samples.map(({ length }, b) => cut(logits!, 0, b * layout.length, b * layout.length + length));
}

describe("longrope's frequencies of a sample", () => {
  it("do not change with padding past the original length", async () => {
    const [alone] = await logits([short]);
    const [padded] = await logits([short], { bucket: 2 * originalLength });

    expect(alone!.shape[0]).toBe(shortRows);
    expect(maxRelativeError(padded!, alone!)).toBeLessThan(rounding);
  });

  it("do not change with longer samples of its batch", async () => {
    const alone = [...(await logits([short])), ...(await logits([long]))];
    const together = await logits([short, long]);

    expect(alone[1]!.shape[0]).toBeGreaterThan(originalLength);
    for (const [b, sample] of together.entries()) {
      expect(maxRelativeError(sample, alone[b]!)).toBeLessThan(rounding);
    }
  });

  it("are the long ones as soon as its own rows pass the original length", async () => {
    const [alone] = await logits([short]);
    const [longer] = await logits([long]);

    expect(maxRelativeError(cut(longer!, 0, 0, shortRows), alone!)).toBeGreaterThan(1e-3);
  });
});
