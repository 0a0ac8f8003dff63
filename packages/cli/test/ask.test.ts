import { writeTinyModel } from "@fusion-vlm/core/testing";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failureOf, Workplace } from "./fusion-for-tests.ts";

let place: Workplace;
let picture: Uint8Array;

beforeAll(async () => {
  place = await Workplace.open();
  picture = await sharp({ create: { width: 20, height: 30, channels: 3, background: "#c04020" } })
    .png()
    .toBuffer();
  await sharp(picture).toFile(place.path("red.png"));
  await writeTinyModel(place.path("tiny"));
});

afterAll(() => place.close());

const ask = (...args: string[]) => place.fusion(["ask", ...args, "--model", "./tiny"]);

describe("fusion ask", () => {
  test("writes the answer to stdout, and model, tokens and times to stderr", () => {
    const { exitCode, stdout, stderr } = ask("red.png", "What is it?", "--max-tokens", "5");
    const [{ text }] = [JSON.parse(ask("red.png", "What is it?", "--max-tokens", "5", "--json").stdout)];

    expect(exitCode).toBe(0);
    expect(stdout).toBe(text.endsWith("\n") ? text : `${text}\n`);
    expect(stderr).toMatch(
      /^Model: \.\/tiny: [\d.]+ K parameters, .*; cpu \(auto takes cpu; .*\); 16 latents, 16 image tokens\n/,
    );
    expect(stderr).toMatch(/\nTokens: \d+ in \(16 image, 16 latent\); \d out.*\n/);
    expect(stderr).toMatch(/\nTime: load .*s, image .*s, vision .*s, prefill .*s, decode .*s; .* tokens\/s\n$/);
  });

  test("is one document with --json, and stderr is silent", () => {
    const { exitCode, stdout, stderr } = ask("red.png", "What is it?", "--max-tokens", "5", "--json");
    const document = JSON.parse(stdout);

    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(Object.keys(document)).toEqual([
      "text",
      "finishReason",
      "tokens",
      "usage",
      "timing",
      "tokensPerSecond",
      "model",
    ]);
    expect(Object.keys(document.usage)).toEqual([
      "promptTokens",
      "imageTokens",
      "latentTokens",
      "outputTokens",
      "cachedTokens",
      "instructionTruncated",
    ]);
    expect(Object.keys(document.timing)).toEqual([
      "load",
      "image",
      "vision",
      "prefill",
      "decode",
      "firstToken",
      "total",
    ]);
    expect(document.model).toMatchObject({
      source: "./tiny",
      type: "fusion_phi",
      device: "cpu",
      latents: 16,
      untrained: false,
    });
    expect(document.tokens).toHaveLength(document.usage.outputTokens);
  });

  test("takes the picture from standard input", () => {
    const args = ["What is it?", "--max-tokens", "5", "--model", "./tiny", "--json"];
    const piped = place.fusion(["ask", "-", ...args], { input: picture });

    expect(piped.exitCode).toBe(0);
    expect(JSON.parse(piped.stdout).tokens).toEqual(
      JSON.parse(place.fusion(["ask", "red.png", ...args]).stdout).tokens,
    );
  });

  test("asks without a picture with --no-image", () => {
    const { exitCode, stdout } = ask("--no-image", "What is a square?", "--max-tokens", "2", "--json");

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).usage).toMatchObject({ imageTokens: 0, latentTokens: 16 });
    expect(ask("--no-image", "What is a square?", "--max-tokens", "2").stderr).not.toMatch(/image/);
  });

  test("obeys the flags of model and generation", () => {
    const flags = ["--latents", "4", "--image-tokens", "9", "--max-tokens", "3", "--temperature", "1", "--top-k", "50"];
    const run = () =>
      JSON.parse(ask("red.png", "Hi", ...flags, "--seed", "5", "--semantics", "released", "--json").stdout);
    const first = run();

    expect(first.model).toMatchObject({ latents: 4, imageTokens: 9, semantics: "released" });
    expect(first.usage).toMatchObject({ imageTokens: 9, latentTokens: 4, outputTokens: 3 });
    expect(run().tokens).toEqual(first.tokens);
  });

  test("takes the model from FUSION_MODEL", () => {
    const { stdout } = place.fusion(["ask", "red.png", "Hi", "--max-tokens", "1", "--json"], {
      env: { FUSION_MODEL: "tiny" },
    });

    expect(JSON.parse(stdout).model.source).toBe("tiny");
  });

  test("is answered by nano when no model is named", () => {
    const { exitCode, stdout, stderr } = place.fusion(["ask", "red.png", "What colour is the background?"]);

    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^[a-z]+\n$/)]);
    expect(stderr).toContain("Model: nano: ");
    expect(stderr).not.toContain("Untrained");
  });

  test("is answered by an untrained model with a warning", () => {
    place.fusion(["model", "init", "nano", "--out", "random"]);
    const { exitCode, stderr } = place.fusion(["ask", "red.png", "Hi", "--model", "random", "--max-tokens", "1"]);

    expect(exitCode).toBe(0);
    expect(stderr).toContain("Untrained: its weights are random numbers, so its answers mean nothing.\n");
  });
});

describe("a wrong command line", () => {
  test.each([
    ["no arguments", [], "ask takes two arguments, IMAGE and QUESTION; got none"],
    ["no question", ["red.png"], "ask takes two arguments, IMAGE and QUESTION; got 1"],
    [
      "a picture with --no-image",
      ["red.png", "Hi", "--no-image"],
      "--no-image takes one argument, the QUESTION; got 2",
    ],
    ["a blank question", ["red.png", " \n"], "QUESTION is blank"],
    [
      "latents that are no square",
      ["red.png", "Hi", "--latents", "50"],
      '--latents: expected a square number such as 16, 64 or 144, got "50"',
    ],
    ["an empty stop text", ["red.png", "Hi", "--stop", ""], "--stop: expected a text, got an empty one"],
    ["a third argument", ["red.png", "What", "is"], "Unexpected argument: is"],
    [
      "an unknown device",
      ["red.png", "Hi", "--device", "tpu"],
      "Expected --device=tpu to be one of: auto, cpu, cuda, webgpu",
    ],
  ])("with %s is told and exits 2", (_name, args, message) => {
    const { exitCode, stdout, stderr } = ask(...args);

    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(failureOf(stderr)).toEqual({
      message,
      code: "USAGE",
      hint: 'Run "fusion ask --help" to see what it takes.',
    });
  });
});

describe("what is found before a model is loaded", () => {
  test("a preset, which has to be made first", async () => {
    const { exitCode, stderr } = place.fusion(["ask", "red.png", "Hi", "--model", "bench-1b"]);

    expect(exitCode).toBe(1);
    expect(failureOf(stderr)).toEqual({
      message: expect.stringMatching(/^bench-1b is a preset, .* \([\d,]+ parameters\), not a model folder$/),
      code: "MODEL_NOT_FOUND",
      hint: "Make one with random weights: fusion model init bench-1b --out bench-1b",
    });
    expect(await place.leftovers()).toEqual([]);
  });

  test("a question in the place of the picture", () => {
    expect(failureOf(ask("What is it?", "red.png").stderr)?.hint).toBe("IMAGE comes first, then QUESTION.");
  });

  test.skipIf(process.platform === "win32")("a device in the place of the picture", () => {
    expect(failureOf(ask("/dev/null", "Hi").stderr)?.hint).toBe("Pipe it in and give - as IMAGE.");
  });
});

describe("being stopped", () => {
  test.each([
    ["SIGINT", 130, "stopped by Ctrl-C"],
    ["SIGTERM", 143, "stopped by a request to end (SIGTERM)"],
  ] as const)("by %s while it answers exits %d and leaves nothing behind", async (signal, exitCode, message) => {
    // Random weights never end an answer by themselves.
    place.fusion(["model", "init", "nano", "--out", "random"]);
    const running = place.start(["ask", "red.png", "Hi", "--model", "random", "--max-tokens", "900"]);
    await running.until("stderr", /Model: /);

    running.process.kill(signal);
    const end = await running.end;

    expect(end.exitCode).toBe(exitCode);
    expect(failureOf(end.stderr)).toMatchObject({ message, code: "ABORTED" });
    expect(end.stdout).toBe("");
    expect(await place.leftovers()).toEqual([]);
  });

  test("by a reader that has gone is no failure", async () => {
    const length = { max_position_embeddings: 9000, tokenizer_model_max_length: 9000 };
    await writeTinyModel(place.path("long"), { config: length });
    const running = place.start(["ask", "red.png", "Go on?", "--max-tokens", "8000", "-m", "./long"]); // seconds
    running.process.stdout!.once("data", () => running.process.stdout!.destroy());

    const { exitCode, stderr } = await running.end;

    expect(exitCode).toBe(0);
    expect(stderr).not.toContain("Error");
    expect(stderr).not.toContain("Tokens:");
    expect(await place.leftovers()).toEqual([]);
  });
});
