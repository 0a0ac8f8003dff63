import { afterAll, beforeAll, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { buildGraph } from "../ops/index.ts";
import { float32, type Tensor } from "../tensor/index.ts";
import { runGraph } from "../testing/index.ts";
import type { Semantics } from "./config.ts";
import { encoderMasks } from "./encoder-masks.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

/** Two vision rows, then three instruction tokens of which the last is padding. */
async function masks(semantics: Semantics): Promise<{ firstHalf: string[]; secondHalf: string[] }> {
  const graph = buildGraph("masks", (op) => {
    const { firstHalf, secondHalf } = encoderMasks(op, semantics, op.input("mask", "float32", ["B", "I"]), 2);
    op.output("firstHalf", firstHalf);
    op.output("secondHalf", secondHalf);
  });
  const fetched = await runGraph(backend, graph, { mask: float32([2, 3], [1, 1, 0, 1, 1, 1]) });
  return { firstHalf: picture(fetched.firstHalf!), secondHalf: picture(fetched.secondHalf!) };
}

/** One line per query of the first sample: 1 where it sees a key, 0 where not. */
function picture({ shape, data }: Tensor): string[] {
  const [, , queries, keys] = shape as [number, number, number, number];
  return Array.from({ length: queries }, (_, query) =>
    Array.from({ length: keys }, (_, key) => String(data[query * keys + key])).join(" "),
  );
}

it("paper: vision sees vision only in the first half; padding is never seen", async () => {
  expect(await masks("paper")).toEqual({
    firstHalf: [
      "1 1 0 0 0", // vision
      "1 1 0 0 0",
      "1 1 1 1 0", // text
      "1 1 1 1 0",
      "1 1 1 1 0",
    ],
    secondHalf: ["1 1 1 1 0"],
  });
});

it("released: vision sees text from the start; text rows are masked everywhere, which is uniform attention", async () => {
  expect(await masks("released")).toEqual({
    firstHalf: [
      "1 1 1 1 0", // vision
      "1 1 1 1 0",
      "0 0 0 0 0", // text: nothing, which attends to all keys alike, padding included
      "0 0 0 0 0",
      "0 0 0 0 0",
    ],
    secondHalf: ["1 1 1 1 0"],
  });
});
