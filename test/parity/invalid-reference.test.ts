import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Backend,
  FusionError,
  nodeBackend,
  type VerifyOptions,
  verifyModel,
} from "../../packages/core/src/index.ts";
import { float32, int64, type Tensor, tensor } from "../../packages/core/src/tensor/index.ts";
import { sourceOf, writeSafetensors } from "../../packages/core/src/weights/index-node.ts";
import { editSafetensors, keepCase, tensorOf } from "./edit-safetensors.ts";
import { type GoldenModels, unpackGoldenModels } from "./golden-models.ts";

let golden: GoldenModels;
let backend: Backend;

beforeAll(async () => {
  golden = await unpackGoldenModels();
  backend = await nodeBackend({ worker: false, device: "cpu" });
});

afterAll(() => golden?.remove());

/** What verifying the phi model against a folder throws. */
async function refusal(
  reference: string,
  options: Pick<VerifyOptions, "tolerance" | "gradients"> = {},
): Promise<FusionError> {
  const thrown = await verifyModel({ model: golden.phi, reference, backend, ...options }).catch((error) => error);
  expect(thrown).toBeInstanceOf(FusionError);
  expect((thrown as FusionError).hint).not.toBe("");
  return thrown as FusionError;
}

async function expectInvalid(
  reference: string,
  message: RegExp,
  gradients?: VerifyOptions["gradients"],
): Promise<void> {
  const { code, message: text } = await refusal(reference, { gradients });
  expect({ code, text }).toEqual({ code: "REFERENCE_INVALID", text: expect.stringMatching(message) });
}

type Results = { images_file: string; variants: Record<string, Record<string, unknown>> };

/** results.json with the quickest variant alone, then changed. */
async function results(change: (results: Results) => void): Promise<string> {
  const all: Results = JSON.parse(await readFile(join(golden.phi, "results.json"), "utf8"));
  const kept = { ...all, variants: { released_q4: all.variants.released_q4! } };
  change(kept);
  return JSON.stringify(kept);
}

function setFirst(tensors: Map<string, Tensor>, name: string, value: number | bigint): void {
  tensorOf(tensors, name).data[0] = value;
}

/** A copy with the quickest variant alone and one file's tensors changed. */
async function withTensors(file: string, edit: (tensors: Map<string, Tensor>) => void): Promise<string> {
  const folder = await golden.changed(golden.phi, { "results.json": await results(() => {}) });
  await editSafetensors(join(folder, file), edit);
  return folder;
}

describe("a reference folder", () => {
  it("must be there, be a folder, and hold inputs.safetensors and results.json", async () => {
    await expectInvalid(join(golden.phi, "nowhere"), /nowhere: expected a reference folder, got ENOENT/);
    await expectInvalid(join(golden.phi, "config.json"), /config\.json: expected a reference folder, got ENOTDIR/);
    await expectInvalid(
      join(golden.phi, "../common"),
      /common: expected inputs\.safetensors, got images_u8\.safetensors/,
    );
    await expectInvalid(await golden.changed(golden.phi, { "results.json": undefined }), /expected results\.json/);
  });

  it("must have a readable results.json", async () => {
    await expectInvalid(
      await golden.changed(golden.phi, { "results.json": "" }),
      /results\.json: .* got an empty file/,
    );
    await expectInvalid(
      await golden.changed(golden.phi, { "results.json": "{" }),
      /results\.json: expected JSON in UTF-8/,
    );
    await expectInvalid(await golden.changed(golden.phi, { "results.json": "[]" }), /results\.json: .*the file/);
  });

  it.each<[string, (results: Results) => void, RegExp]>([
    ["no variants", (it) => Object.assign(it, { variants: {} }), /variants: must not be empty/],
    [
      "a latent count that is no square",
      (it) => Object.assign(it.variants.released_q4!, { query_len: 5 }),
      /query_len: must be a square/,
    ],
    [
      "unknown semantics",
      (it) => Object.assign(it.variants.released_q4!, { semantics: "new" }),
      /released_q4\.semantics/,
    ],
    ["missing losses", (it) => void delete it.variants.released_q4!.losses, /released_q4\.losses/],
    [
      "images far away",
      (it) => Object.assign(it, { images_file: "../../etc/images_u8.safetensors" }),
      /images_file: must be a file at most/,
    ],
    [
      "absent images",
      (it) => Object.assign(it, { images_file: "../common/none.safetensors" }),
      /none\.safetensors: .* no such file/,
    ],
    [
      "other images",
      (it) => Object.assign(it, { images_file: "inputs.safetensors" }),
      /expected a tensor images_u8, got .*image_index/,
    ],
    [
      "a variant without a file",
      (it) => Object.assign(it.variants, { extra: it.variants.released_q4 }),
      /expected extra\.safetensors/,
    ],
    [
      "decodings without a file",
      (it) => Object.assign(it.variants.released_q4!, { generate: { single: { sample: 0, tokens: [1] } } }),
      /expected released_q4_generate\.safetensors/,
    ],
  ])("is refused with %s in results.json", async (_what, change, message) => {
    await expectInvalid(await golden.changed(golden.phi, { "results.json": await results(change) }), message);
  });

  it.each<[string, (tensors: Map<string, Tensor>) => void, RegExp]>([
    ["without input_ids", (it) => void it.delete("input_ids"), /expected a tensor input_ids, got image_index/],
    [
      "with ids of another type",
      (it) => void it.set("input_ids", tensor("uint8", [3, 44], new Uint8Array(132))),
      /input_ids: expected int64 \[3, L\], got uint8 \[3, 44\]/,
    ],
    [
      "with labels of another shape",
      (it) => void it.set("labels", int64([3, 2], new Array(6).fill(0))),
      /labels: expected int64 \[3, 44\], got int64 \[3, 2\]/,
    ],
    [
      "with an id past the vocabulary",
      (it) => setFirst(it, "input_ids", 300n),
      /input_ids: expected ids of 0 to 299, -200, -300, got 300/,
    ],
    [
      "with an instruction id below zero",
      (it) => setFirst(it, "instructs", -1n),
      /instructs: expected ids of 0 to 299, got -1/,
    ],
    [
      "with an image that does not exist",
      (it) => setFirst(it, "image_index", 2n),
      /image_index: expected -1 to 1, got 2/,
    ],
    [
      "with fewer image indices than samples",
      (it) => void it.set("image_index", int64([2], [0, 1])),
      /input_ids: expected int64 \[2, L\]/,
    ],
  ])("is refused %s in inputs.safetensors", async (_what, edit, message) => {
    await expectInvalid(await withTensors("inputs.safetensors", edit), message);
  });

  it.each<[string, (tensors: Map<string, Tensor>) => void, RegExp]>([
    [
      "a name that no model has",
      (it) => void it.set("llm.mystery", int64([1], [0])),
      /released_q4\/llm\.mystery: expected a tensor that this model has/,
    ],
    [
      "a layer that this model lacks",
      (it) => void it.set("llm.layer9.pre", tensorOf(it, "llm.layer5.pre")),
      /released_q4\/llm\.layer9\.pre/,
    ],
  ])("is refused with %s in a variant's file", async (_what, edit, message) => {
    await expectInvalid(await withTensors("released_q4.safetensors", edit), message);
  });

  it("is refused when a variant's file is of another model", async () => {
    const folder = await golden.changed(golden.phi, { "results.json": await results(() => {}) });
    await copyFile(join(golden.llama, "paper.safetensors"), join(folder, "released_q4.safetensors"));

    await expectInvalid(folder, /released_q4\/global\.features: expected rows of 0 to 2303, got row 2331/);
  });

  it.each<[string, { sample: number; tokens: number[] }, (tensors: Map<string, Tensor>) => void, RegExp]>([
    ["of a sample that does not exist", { sample: 3, tokens: [1] }, () => {}, /single: sample: expected 0 to 2, got 3/],
    [
      "with a token past the vocabulary",
      { sample: 0, tokens: [300] },
      () => {},
      /single: tokens: expected 0 to 299, got 300/,
    ],
    [
      "without logits",
      { sample: 0, tokens: [1] },
      (it) => void it.delete("single.step_logits"),
      /single: expected a tensor step_logits/,
    ],
    [
      "with a layer that this model lacks",
      { sample: 0, tokens: [1] },
      (it) => void it.set("single.prefill_last_hidden7", int64([1], [0])),
      /single\.prefill_last_hidden7: expected a tensor that this model has/,
    ],
    [
      "of a case that results.json does not name",
      { sample: 0, tokens: [1] },
      (it) => void it.set("other.step_logits", int64([1], [0])),
      /_generate\.safetensors: other\.step_logits: expected one of the cases single/,
    ],
  ])("is refused with decodings %s", async (_what, single, edit, message) => {
    const text = await results((it) => Object.assign(it.variants.released_q4!, { generate: { single } }));
    const folder = await golden.changed(golden.phi, { "results.json": text });
    const target = join(folder, "released_q4_generate.safetensors");
    await copyFile(join(golden.phi, "released_generate.safetensors"), target);
    await editSafetensors(target, (it) => {
      keepCase(it, "single");
      edit(it);
    });

    await expectInvalid(folder, message);
  });

  it("is refused as damaged weights when a file is cut short", async () => {
    const bytes = await readFile(join(golden.phi, "inputs.safetensors"));
    const folder = await golden.changed(golden.phi, { "inputs.safetensors": bytes.subarray(0, 1000) });

    expect(await refusal(folder)).toMatchObject({
      code: "WEIGHTS_INVALID",
      message: expect.stringContaining("inputs.safetensors"),
    });
  });

  it.each([0, -1, Number.NaN])("is not compared with a tolerance of %d", async (tolerance) => {
    expect(await refusal(golden.phi, { tolerance })).toMatchObject({ code: "OPTION_INVALID", at: "tolerance" });
  });
});

describe("recorded gradients", () => {
  const file = "released_q4_grads_strided.safetensors";

  /** A copy that recorded the gradient of one parameter, which may have other labels. */
  async function withGradient(name: string, editInputs = (_tensors: Map<string, Tensor>) => {}): Promise<string> {
    const folder = await withTensors("inputs.safetensors", editInputs);
    await writeSafetensors(join(folder, file), sourceOf({ [name]: float32([1], [0]) }));
    return folder;
  }

  it("must be there when they are asked for", async () => {
    await expectInvalid(golden.phi, /: expected gradients: released_grads_strided\.safetensors or /, true);
  });

  it("must be of parameters of this model", async () => {
    const folder = await withGradient("model.layers.99.weight");

    await expectInvalid(
      folder,
      /strided\.safetensors\/model\.layers\.99\.weight: expected a tensor that this model has/,
      "only",
    );
  });

  it("must come from a batch with answers", async () => {
    const folder = await withGradient("model.norm.weight", (tensors) => {
      const { data } = tensorOf(tensors, "labels");
      data.forEach((label, i) => {
        if (Number(label) >= 0) data[i] = -100n;
      });
    });

    await expectInvalid(folder, /: labels: expected answer tokens, for gradients, got none/, "only");
  });

  it("are listed as not compared when they are not asked for", async () => {
    const folder = await withGradient("model.norm.weight");

    const { unusedFiles } = await verifyModel({ model: golden.phi, reference: folder, backend });

    expect(unusedFiles).toContain(file);
  });

  it.each([
    ["another decay", { weight_decay: 0.1 }, "weight_decay"],
    ["no second loss", { losses_before_and_after_each_step: [] }, "losses_before_and_after_each_step"],
    ["a beta of one", { betas: [0.9, 1] }, "betas.1"],
  ])("must not have AdamW steps with %s", async (_what, change, key) => {
    const losses = { total: 1, ce: 1, cos_instruct: 0, cos_vision: 0 };
    const steps = {
      lr: 1e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weight_decay: 0,
      losses_before_and_after_each_step: [losses, losses],
    };
    const folder = await golden.changed(golden.phi, {
      "results.json": await results(({ variants }) => {
        variants.released_q4!.adamw = { ...steps, ...change };
      }),
    });

    await expectInvalid(folder, new RegExp(`variants\\.released_q4\\.adamw\\.${key}: `));
  });
});
