import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { writeTinyModel } from "@fusion-vlm/core/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type GoldenModels, unpackGoldenModels } from "../../../test/parity/golden-models.ts";
import { failureOf, Workplace } from "./fusion-for-tests.ts";

let place: Workplace;

beforeEach(async () => {
  place = await Workplace.open();
});

afterEach(() => place.close());

describe("fusion model init", () => {
  test("makes a folder that ask, inspect and the next init recognise", async () => {
    const { exitCode, stdout, stderr } = place.fusion(["model", "init", "nano", "--out", "made/here", "--seed", "7"]);

    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^made\/here: 3\.4\d M parameters, 13\.\d MiB of weights, 6 files\n/);
    expect((await readdir(place.path("made/here"))).toSorted()).toEqual([
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
      "vision_config.json",
    ]);
    const again = place.fusion(["model", "init", "nano", "--out", "made/here"]);
    expect(again.exitCode).toBe(1);
    expect(failureOf(again.stderr)).toMatchObject({
      code: "WRITE_FAILED",
      hint: "Give another folder, or remove this one.",
    });
  });

  test("takes the preset as a flag too, its name as the folder, and is one document with --json", () => {
    const { exitCode, stdout, stderr } = place.fusion([
      "model",
      "init",
      "--preset",
      "nano",
      "--dtype",
      "float16",
      "--json",
    ]);
    const document = JSON.parse(stdout);

    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(Object.keys(document)).toEqual(["folder", "parameters", "bytes", "files"]);
    expect(document).toMatchObject({ folder: "nano", bytes: 2 * document.parameters });
  });

  test("the same seed gives the same bytes, another seed others", async () => {
    const seeds = { a: "1", b: "1", c: "2" };
    for (const [out, seed] of Object.entries(seeds))
      place.fusion(["model", "init", "nano", "--out", out, "--seed", seed]);
    const [a, b, c] = await Promise.all(
      Object.keys(seeds).map((out) => readFile(place.path(out, "model.safetensors"))),
    );

    expect(a!.equals(b!)).toBe(true);
    expect(a!.equals(c!)).toBe(false);
  });

  test("lists the presets when the name is unknown or missing", () => {
    const unknown = place.fusion(["model", "init", "mega"]);
    const missing = place.fusion(["model", "init"]);

    expect(unknown.exitCode).toBe(1);
    expect(failureOf(unknown.stderr)).toMatchObject({ code: "OPTION_INVALID" });
    expect(missing.exitCode).toBe(2);
    for (const { stderr } of [unknown, missing]) expect(stderr).toContain("nano, bench-1b, fusion-phi3.5-3b");
    expect(place.fusion(["model", "init", "nano", "--preset", "bench-1b"]).exitCode).toBe(2);
  });

  test.each([
    ["a file in its place", "occupied"],
    ["a file in the middle of its path", "occupied/deeper"],
  ])("names the folder when there is %s", async (_name, out) => {
    await writeFile(place.path("occupied"), "mine");

    const { exitCode, stderr } = place.fusion(["model", "init", "nano", "--out", out]);

    expect(exitCode).toBe(1);
    expect(failureOf(stderr)).toMatchObject({
      code: "WRITE_FAILED",
      message: expect.stringContaining(`${out}: expected`),
    });
    expect(await readFile(place.path("occupied"), "utf8")).toBe("mine");
  });

  test.skipIf(process.getuid?.() === 0)("names a folder that may not be written", async () => {
    await mkdir(place.path("locked"), { mode: 0o500 });

    const { exitCode, stderr } = place.fusion(["model", "init", "nano", "--out", "locked/here"]);

    expect(exitCode).toBe(1);
    expect(failureOf(stderr)).toMatchObject({ code: "WRITE_FAILED", message: expect.stringContaining("EACCES") });
  });

  test.each(["SIGINT", "SIGTERM"] as const)("%s takes back what was written", async (signal) => {
    const running = place.start(["model", "init", "bench-1b", "--out", "a/b"]);
    const started = () => existsSync(place.path("a/b")) && readdir(place.path("a/b"));
    while (!((await started()) || []).some((file) => file.endsWith(".tmp")))
      await new Promise((r) => setTimeout(r, 20));

    running.process.kill(signal);

    expect((await running.end).exitCode).toBe(signal === "SIGINT" ? 130 : 143);
    expect(existsSync(place.path("a"))).toBe(false);
  });
});

describe("fusion model inspect", () => {
  test("tells what a folder holds, for people and as a document", async () => {
    await writeTinyModel(place.path("tiny"));

    const text = place.fusion(["model", "inspect", "tiny"]);
    const { stdout } = place.fusion(["model", "inspect", "tiny", "--json"]);
    const document = JSON.parse(stdout);

    expect([text.exitCode, text.stderr]).toEqual([0, ""]);
    expect(text.stdout).toMatch(/^folder +tiny\ntype +fusion_phi, semantics paper, template phi_3\n/);
    expect(text.stdout).toMatch(/interaction +2 layers, after decoder layers 0, 2; windows of 3×3, 4 heads/);
    expect(document).toMatchObject({ kind: "folder", latents: 16, imageTokens: 16, contextLength: 256 });
    expect(document.parts.map(({ part }: { part: string }) => part)).toEqual([
      "vision tower",
      "projectors",
      "embeddings",
      "language model",
      "interaction layers",
    ]);
    expect(document.storage.dtypes).toEqual([
      { dtype: "float32", tensors: document.storage.files[0].tensors, bytes: document.storage.bytes },
    ]);
    expect(document.graphs.every(({ nodes }: { nodes: number }) => nodes > 0)).toBe(true);
  });

  test("needs only the name of a preset, however large", () => {
    const { exitCode, stdout } = place.fusion(["model", "inspect", "fusion-x-llama3.1-8b", "--json"]);
    const document = JSON.parse(stdout);

    expect(exitCode).toBe(0);
    expect(document).toMatchObject({ kind: "preset", imageTokens: 576 });
    expect(document).not.toHaveProperty("storage");
    expect(document.parameters).toBeGreaterThan(8e9);
  });
});

describe("fusion model verify", () => {
  let golden: GoldenModels;

  beforeEach(async () => {
    golden = await unpackGoldenModels();
  });

  afterEach(() => golden.remove());

  test("prints every recorded tensor and passes a model that computes as the reference", () => {
    const { exitCode, stdout, stderr } = place.fusion(["model", "verify", golden.llama, "--semantics", "paper"]);

    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^paper: \d+ tensors within tolerance; worst \d\.\de-[67] \(paper.*\)\n$/);
    expect(stdout).toMatch(/^paper\n +tensor +shape +max error +relative +tolerance\n✓ /);
    expect(stdout).toMatch(/\nPassed on cpu: all \d+ tensors within tolerance\. Worst: paper.*\n$/);
    expect(stdout).not.toContain("✗");
  });

  test("exits 1 past the tolerance, and still is one document with --json", () => {
    const args = ["--reference", golden.llama, "--semantics", "paper", "--tolerance", "1e-8", "--json"];
    const { exitCode, stdout, stderr } = place.fusion(["model", "verify", ...args]);
    const document = JSON.parse(stdout);

    expect([exitCode, stderr]).toEqual([1, ""]);
    expect(Object.keys(document)).toEqual([
      "model",
      "reference",
      "device",
      "passed",
      "tensors",
      "failed",
      "worst",
      "variants",
      "rows",
      "unusedFiles",
    ]);
    expect(document).toMatchObject({
      passed: false,
      model: golden.llama,
      reference: golden.llama,
      tensors: document.rows.length,
    });
    expect(document.failed).toBe(document.rows.filter(({ passed }: { passed: boolean }) => !passed).length);
    expect(Object.keys(document.rows[0])).toEqual([
      "variant",
      "name",
      "shape",
      "elements",
      "maxError",
      "maxReference",
      "relativeError",
      "tolerance",
      "passed",
    ]);
  });

  test("tells a folder that is no reference, one of another model, and one without the gradients asked for", async () => {
    await writeTinyModel(place.path("tiny"));

    const noReference = place.fusion(["model", "verify", "tiny"]);
    const otherModel = place.fusion(["model", "verify", "tiny", "--reference", golden.llama]);
    const noGradients = place.fusion(["model", "verify", golden.llama, "--gradients"]);
    const nothing = place.fusion(["model", "verify"]);

    expect([noReference, otherModel, noGradients, nothing].map(({ exitCode }) => exitCode)).toEqual([1, 1, 1, 2]);
    for (const { stdout, stderr } of [noReference, otherModel, noGradients]) {
      expect(stdout).toBe("");
      expect(failureOf(stderr)).toMatchObject({ code: "REFERENCE_INVALID" });
    }
  });
});
