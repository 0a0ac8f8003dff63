import { writeTinyModel } from "@fusion-vlm/core/testing";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { failureOf, Workplace } from "./fusion-for-tests.ts";

let place: Workplace;

beforeAll(async () => {
  place = await Workplace.open();
  for (const [name, background] of [
    ["red.png", "#c04020"],
    ["blue.png", "#2040c0"],
  ] as const) {
    await sharp({ create: { width: 20, height: 30, channels: 3, background } }).toFile(place.path(name));
  }
  const length = (tokens: number) => ({ max_position_embeddings: tokens, tokenizer_model_max_length: tokens });
  await writeTinyModel(place.path("tiny"), { config: length(400) });
  await writeTinyModel(place.path("long"), { config: length(9000) });
});

afterAll(() => place.close());

const chat = (input: string, ...args: string[]) => place.fusion(["chat", ...args, "-m", "./tiny"], { input });

/** The documents of a chat, one per line. */
function documents(stdout: string) {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("answers one question per line, later ones on top of earlier ones", () => {
  const { exitCode, stdout, stderr } = chat("What is it?\n\nAnd why?\n", "red.png", "--max-tokens", "4", "--json");
  const [first, second, ...rest] = documents(stdout);

  expect([exitCode, stderr, rest]).toEqual([0, "", []]);
  expect(first).toMatchObject({
    image: "red.png",
    turn: 1,
    question: "What is it?",
    usage: { imageTokens: 16, cachedTokens: 0 },
  });
  expect(second).toMatchObject({ turn: 2, question: "And why?", usage: { imageTokens: 0 } });
  expect(second.usage.cachedTokens).toBeGreaterThan(first.usage.promptTokens);
  expect(Object.keys(first)).toEqual([
    "image",
    "turn",
    "question",
    "text",
    "finishReason",
    "tokens",
    "usage",
    "timing",
    "tokensPerSecond",
    "model",
  ]);
});

test("without --json, answers go to stdout and everything else to stderr", () => {
  const { exitCode, stdout, stderr } = chat("What is it?\n/help\n/exit\nnever asked\n", "red.png", "--max-tokens", "4");

  expect(exitCode).toBe(0);
  expect(stdout.endsWith("\n")).toBe(true);
  expect(stdout).not.toMatch(/Model:|\/reset|tokens/);
  expect(stderr).toMatch(/^Model: \.\/tiny: /);
  expect(stderr.match(/^\[\d+ in \(16 image, 16 latent\); .*\]$/gm)).toHaveLength(1);
  expect(stderr).toContain("/reset       start a new conversation about the same picture\n");
});

test("--reencode runs everything again at each turn", () => {
  const { stdout } = chat("What?\nWhy?\n", "red.png", "--max-tokens", "2", "--reencode", "--json");

  expect(documents(stdout)[1].usage).toMatchObject({ imageTokens: 16, latentTokens: 32, cachedTokens: 0 });
});

test("/image and /reset begin a new conversation", () => {
  const { exitCode, stdout } = chat("Hi\n/image blue.png\nHi\nHi\n/reset\nHi\n", "--max-tokens", "1", "--json");

  expect(exitCode).toBe(0);
  expect(documents(stdout).map(({ image, turn }) => [image, turn])).toEqual([
    [null, 1],
    ["blue.png", 1],
    ["blue.png", 2],
    ["blue.png", 1],
  ]);
});

test("a line that fails is told, the chat goes on as it was, and the exit code of a pipe is 1", () => {
  const long = "word ".repeat(400);
  const { exitCode, stdout } = chat(
    `Hi\n${long}\n/image nope.png\n/quit\nHi\n`,
    "red.png",
    "--max-tokens",
    "1",
    "--json",
  );
  const [first, tooLong, noImage, noCommand, second, ...rest] = documents(stdout);

  expect([exitCode, rest]).toEqual([1, []]);
  expect(tooLong).toMatchObject({ question: long, error: { code: "CONTEXT_EXCEEDED" } });
  expect(noImage).toMatchObject({ command: "/image nope.png", error: { code: "IMAGE_NOT_FOUND" } });
  expect(noCommand).toMatchObject({ command: "/quit", error: { code: "OPTION_INVALID" } });
  expect([first, second]).toMatchObject([
    { image: "red.png", turn: 1 },
    { image: "red.png", turn: 2 },
  ]);
});

test("a wrong picture at the start is told before the model is loaded", () => {
  const { exitCode, stdout, stderr } = chat("Hi\n", "nope.png");

  expect([exitCode, stdout]).toEqual([1, ""]);
  expect(failureOf(stderr)).toMatchObject({ code: "IMAGE_NOT_FOUND" });
  expect(stderr).toMatch(/^Error/);
});

test("Ctrl-C twice ends the chat without a word about an error", async () => {
  const running = place.start(["chat", "red.png", "-m", "./long", "--max-tokens", "8000"]); // seconds
  running.process.stdin!.write("Go on?\n");
  await running.until("stdout", /./);

  running.process.kill("SIGINT");
  await running.until("stderr", /Stopped\./);
  running.process.kill("SIGINT");
  const { exitCode, stderr } = await running.end;

  expect(exitCode).toBe(130);
  expect(stderr).not.toMatch(/Error|Code:/);
});

test("Ctrl-C stops the answer and the chat goes on; while nothing is answered it ends a piped chat", async () => {
  const running = place.start(["chat", "red.png", "-m", "./long", "--max-tokens", "8000"]); // seconds
  running.process.stdin!.write("Go on?\n");
  await running.until("stdout", /./);

  running.process.kill("SIGINT");
  await running.until("stderr", /Stopped\. Ctrl-C again ends the chat\.\n/);
  running.process.stdin!.write("/help\n");
  await running.until("stderr", /\/exit/);
  running.process.kill("SIGINT");
  const { exitCode, stderr } = await running.end;

  expect(exitCode).toBe(130);
  expect(failureOf(stderr)).toMatchObject({ message: "stopped by Ctrl-C", code: "ABORTED" });
});
