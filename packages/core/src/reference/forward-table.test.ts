import { describe, expect, it } from "vitest";
import { float32, int64, type Tensor, tensor } from "../tensor/index.ts";
import { tinyConfig } from "../testing/index.ts";
import { ForwardTable } from "./forward-table.ts";
import { requireKnownTensors } from "./recorded-tensors.ts";
import { type RecordedText, recordedLayout } from "./recorded-text.ts";

const config = { ...tinyConfig(), maxLength: 100 };
const latents = 1;

/** Two samples without an image: two questions with an answer, and one question; rows 8 and 4 of sequence length 8. */
const text: RecordedText = {
  ids: [
    [-300, 3, 4, 5, -300, 6, 7, 8],
    [-300, 3, 4, 5],
  ],
  labels: [
    [-100, -100, -400, 5, -100, -400, 7, 8],
    [-100, -100, -400, 5],
  ],
  instructions: int64([2, 2], [3, 4, 3, 0]),
  instructionMask: float32([2, 2], [1, 1, 1, 0]),
};
const layout = recordedLayout(text, config, latents);
const count = (length: number) => Array.from({ length }, (_, i) => i + 1);

const actual: Record<string, Tensor> = {
  loss: float32([], [4]),
  loss_answer: float32([], [3]),
  loss_v2t: float32([], [2]),
  loss_t2v: float32([], [1]),
  "llm.final_norm": float32([2, 8, 2], count(32)),
  "llm.logits": float32([16, 3], count(48)),
  "llm.inputs_embeds": float32([2, 8, 2], count(32)),
  "llm.layer0.sampler.queries": float32([2, 2, 2], count(8)),
  "llm.layer0.sampler.out": float32([2, 2, 1, 2], count(8)),
  "global.windows": float32([2, 1, 4, 2], count(16)),
};

function compareAll(recorded: Record<string, Tensor>) {
  const variant = {
    semantics: "paper" as const,
    query_len: latents,
    tokenizer_model_max_length: 100,
    losses: { total: 4, ce: 3, cos_instruct: 2, cos_vision: 1 },
    S: 8,
  };
  const expected = new Map(Object.entries(recorded));
  const table = new ForwardTable({ name: "v", variant, config, tolerance: 0, expected, text, layout, actual });
  return new Map(table.rows().map((row) => [row.name, row]));
}

const rowLists = {
  "llm.rows": int64([2], [1, 6]),
  "llm.rows_valid": tensor("uint8", [2, 2], Uint8Array.of(1, 1, 1, 0)), // row 6 of sample 1 is padding
};

describe("ForwardTable", () => {
  it("compares the losses and the length, with nothing recorded besides", () => {
    const rows = compareAll({});

    expect([...rows.keys()]).toEqual([
      "v/losses.total",
      "v/losses.ce",
      "v/losses.cos_instruct",
      "v/losses.cos_vision",
      "v/S",
    ]);
    expect([...rows.values()].every(({ passed }) => passed)).toBe(true);
  });

  it("compares chosen decoder rows and leaves padding rows out", () => {
    const rows = compareAll({
      ...rowLists,
      "llm.final_norm": float32([2, 2, 2], [3, 4, 13, 14, 19, 20, -1, -1]),
      "llm.inputs_embeds_rows": float32([2, 2, 2], [3, 4, 13, 14, 19, 20, -1, -1]),
      "llm.logits": float32([2, 2, 3], [4, 5, 6, 19, 20, 21, 28, 29, 30, -1, -1, -1]),
    });

    expect(rows.get("v/llm.final_norm")).toMatchObject({ elements: 6, maxError: 0, passed: true });
    expect(rows.get("v/llm.inputs_embeds_rows")).toMatchObject({ elements: 6, passed: true });
    expect(rows.get("v/llm.logits")).toMatchObject({ elements: 9, passed: true });
  });

  it("leaves out the questions that a sample does not have", () => {
    const rows = compareAll({
      "llm.layer0.sampler.queries": float32([2, 2, 2], [1, 2, 3, 4, 5, 6, 0, 0]),
      "llm.layer0.sampler.out": float32([2, 2, 2], [1, 2, 3, 4, 5, 6, 0, 0]),
    });

    expect(rows.get("v/llm.layer0.sampler.queries")).toMatchObject({ elements: 6, passed: true });
    expect(rows.get("v/llm.layer0.sampler.out")).toMatchObject({ elements: 6, passed: true });
  });

  it("repeats the first sample's windows for each of its questions", () => {
    const windows = float32([2, 4, 2], [...count(8), ...count(8)]);

    expect(compareAll({ "sampler0.windows_in": windows }).get("v/sampler0.windows_in")?.passed).toBe(true);
  });

  it("compares positions, labels and masks exactly", () => {
    const recorded = {
      "vision.instruct_mask": tensor("uint8", [2, 2], Uint8Array.of(1, 1, 1, 0)),
      "llm.instruct_positions": int64([2, 2], [2, 5, 2, -1]),
      "llm.vision_positions": int64([2, 2], [0, 4, 0, -1]),
      "llm.labels": int64([2, 8], [-100, -100, -100, 5, -100, -100, 7, 8, -100, -100, -100, 5, -100, -100, -100, -100]),
      "llm.attention_mask": tensor("uint8", [2, 8], Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0)),
    };

    const rows = compareAll(recorded);
    for (const name of Object.keys(recorded)) {
      expect(rows.get(`v/${name}`)).toMatchObject({ tolerance: 0, passed: true });
      const broken = { ...recorded[name as keyof typeof recorded] };
      const data = broken.data.slice();
      data[0] = broken.dtype === "int64" ? 9n : 0;
      expect(compareAll({ [name]: { ...broken, data } as Tensor }).get(`v/${name}`)?.passed).toBe(false);
    }
  });

  it.each<[string, Record<string, Tensor>, string]>([
    ["the rows are not listed", { "llm.rows_valid": rowLists["llm.rows_valid"] }, "v: expected a tensor llm.rows"],
    ["padding is not listed", { "llm.rows": rowLists["llm.rows"] }, "v: expected a tensor llm.rows_valid"],
    [
      "a row lies past the sequence",
      { ...rowLists, "llm.rows": int64([2], [1, 8]) },
      "v/llm.final_norm: expected rows of 0 to 7, got row 8",
    ],
    [
      "every row is padding",
      { ...rowLists, "llm.rows_valid": tensor("uint8", [2, 2], new Uint8Array(4)) },
      "v/llm.final_norm: expected rows that count",
    ],
    [
      "the lists do not belong together",
      { ...rowLists, "llm.rows": int64([1], [1]) },
      "v: llm.rows_valid: expected uint8 [2, 1], got uint8 [2, 2]",
    ],
  ])("refuses decoder rows when %s", (_what, lists, message) => {
    expect(() => compareAll({ ...lists, "llm.final_norm": float32([2, 2, 2], count(8)) })).toThrow(message);
  });

  it("refuses another width", () => {
    expect(() => compareAll({ ...rowLists, "llm.final_norm": float32([2, 2, 3], count(12)) })).toThrow(
      "v/llm.final_norm: expected shape [2, 2, 2], got [2, 2, 3]",
    );
  });
});

describe("requireKnownTensors", () => {
  const marks = new Map(Object.keys(actual).map((name) => [name, undefined]));
  const require = (name: string) => requireKnownTensors(new Map([[name, float32([], [0])]]), marks, config, "v");

  it.each([
    "llm.rows",
    "global.pooled_rows",
    "llm.labels",
    "llm.final_norm",
    "llm.inputs_embeds_sample0",
    "sampler0.windows_in",
  ])("accepts %s", (name) => expect(() => require(name)).not.toThrow());

  it.each(["llm.layer0.pre", "llm.layer0.sampler.in", "loss", "rows", "vision.text.h1", "global.windows"])(
    "refuses %s, which is no name of the format or nothing of this model",
    (name) => expect(() => require(name)).toThrow(`v/${name}: expected a tensor that this model has`),
  );
});
