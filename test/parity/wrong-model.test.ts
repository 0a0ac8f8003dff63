import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend, verifyModel } from "../../packages/core/src/index.ts";
import { editSafetensors, keepCase, tensorOf } from "./edit-safetensors.ts";
import { type GoldenModels, unpackGoldenModels } from "./golden-models.ts";

let golden: GoldenModels;
let backend: Backend;

beforeAll(async () => {
  golden = await unpackGoldenModels();
  backend = await nodeBackend({ worker: false, device: "cpu" });
});

afterAll(() => golden?.remove());

/** results.json of the phi model with one variant alone, changed. */
async function oneVariant(name: string, change: Record<string, unknown> = {}): Promise<string> {
  const results = JSON.parse(await readFile(join(golden.phi, "results.json"), "utf8"));
  return JSON.stringify({
    ...results,
    variants: { [name]: { ...results.variants[name], generate: undefined, ...change } },
  });
}

async function failures(model: string, reference: string): Promise<Record<string, number>> {
  const report = await verifyModel({ model, reference, backend });
  const failed = report.rows.filter((row) => !row.passed);
  expect(report.passed).toBe(failed.length === 0);
  return Object.fromEntries(failed.map(({ name, relativeError }) => [name, relativeError]));
}

describe("verifyModel", () => {
  it("fails from the first vision layer on when paper's mask meets numbers of the released one", async () => {
    const results = await oneVariant("released", { semantics: "paper" });
    const reference = await golden.changed(golden.phi, { "results.json": results });

    const failed = await failures(golden.phi, reference);
    expect(failed["released/vision.text.h1"]).toBeGreaterThan(1e-2);
    expect(failed["released/llm.logits"]).toBeGreaterThan(1e-3);
    expect(failed["released/losses.total"]).toBeGreaterThan(1e-4);
    // neither the embeddings nor the sub-images, which have no text, depend on the mask
    const same = Object.keys(failed).filter((name) => /vision\.(global|text\.h0|instruct)|\/global\./.test(name));
    expect(same).toEqual([]);
  });

  it("fails from the touched layer on when a single weight is wrong", async () => {
    const reference = await golden.changed(golden.phi, { "results.json": await oneVariant("released_q4") });
    await editSafetensors(join(reference, "model.safetensors"), (tensors) => {
      tensorOf(tensors, "model.layers.3.mlp.down_proj.weight").data[0] = 1;
    });

    const failed = await failures(reference, reference);
    expect(Object.keys(failed)).toContain("released_q4/llm.layer3.pre");
    expect(Object.keys(failed)).toContain("released_q4/llm.logits");
    expect(Object.keys(failed).filter((name) => /llm\.layer[0-2]\./.test(name))).toEqual([]);
  });

  it("fails when a recorded number, position, token or mask is wrong", async () => {
    const { generate } = JSON.parse(await readFile(join(golden.phi, "results.json"), "utf8")).variants.released;
    generate.single.tokens[5] = 3;
    const results = await oneVariant("released", { S: 650, generate: { single: generate.single } });
    const reference = await golden.changed(golden.phi, { "results.json": results });
    await editSafetensors(join(reference, "released_generate.safetensors"), (tensors) => keepCase(tensors, "single"));
    await editSafetensors(join(reference, "released.safetensors"), (tensors) => {
      tensorOf(tensors, "llm.labels").data[0] = 7n;
      tensorOf(tensors, "llm.final_norm").data[0] = Number.NaN;
      tensorOf(tensors, "vision.instruct_mask").data[0] = 0;
    });

    expect(Object.keys(await failures(golden.phi, reference)).sort()).toEqual([
      "released/S",
      "released/llm.final_norm",
      "released/llm.labels",
      "released/vision.instruct_mask",
      "released_generate/single.step_logits", // the wrong token is fed, which changes the later steps
      "released_generate/single.tokens",
    ]);
  });

  it("compares the variants of one semantics only when asked to, and names the files that it left aside", async () => {
    const { released_q4, paper } = JSON.parse(await readFile(join(golden.phi, "results.json"), "utf8")).variants;
    const results = JSON.parse(await oneVariant("released_q4"));
    results.variants.paper = paper;
    const reference = await golden.changed(golden.phi, {
      "results.json": JSON.stringify(results),
      "notes.safetensors": "",
    });
    const variants: string[] = [];

    const report = await verifyModel({
      model: golden.phi,
      reference,
      backend,
      semantics: released_q4.semantics,
      onVariant: (name) => variants.push(name),
    });
    expect(variants).toEqual(["released_q4"]);
    expect(report.passed).toBe(true);
    expect(report.unusedFiles).toContain("notes.safetensors");
  });

  it("refuses a semantics that no variant has", async () => {
    const reference = await golden.changed(golden.phi, { "results.json": await oneVariant("released_q4") });

    const verifying = verifyModel({ model: golden.phi, reference, backend, semantics: "paper" });
    await expect(verifying).rejects.toMatchObject({ code: "REFERENCE_INVALID" });
  });
});
