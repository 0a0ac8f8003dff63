import { mkdir, writeFile } from "node:fs/promises";
import { writeTinyModel } from "@fusion-vlm/core/testing";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { failureOf, Workplace } from "./fusion-for-tests.ts";

let place: Workplace;

const hostileName = "evil\u001b[2J\u001b]0;owned\u0007.png";

beforeAll(async () => {
  place = await Workplace.open();
  const create = {
    width: 40,
    height: 30,
    channels: 3,
    background: "#c04020",
    noise: { type: "gaussian", mean: 128, sigma: 60 },
  };
  const jpeg = await sharp({ create } as never)
    .jpeg()
    .toBuffer();
  const png = await sharp({ create: { width: 1, height: 1, channels: 3, background: "#c04020" } })
    .png()
    .toBuffer();
  // A header that promises 60 000 × 60 000 pixels: two bytes of each side, in network order.
  const huge = Buffer.from(png);
  huge.writeUInt32BE(60_000, 16);
  huge.writeUInt32BE(60_000, 20);
  const files = {
    "good.jpg": jpeg,
    "one-pixel.png": png,
    "empty.png": "",
    "text.png": "This is not a picture.",
    "vector.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "header-only.png": png.subarray(0, 20),
    "cut.jpg": jpeg.subarray(0, Math.floor(jpeg.length / 2)),
    "huge.png": huge,
  };
  for (const [name, content] of Object.entries(files)) await writeFile(place.path(name), content);
  await mkdir(place.path("folder.png"));
  await writeTinyModel(place.path("tiny"));
});

afterAll(() => place.close());

const ask = (image: string, question: string, ...args: string[]) =>
  place.fusion(["ask", "-m", "./tiny", "--max-tokens", "2", ...args, "--", image, question]);

test.each([
  [
    "that is missing",
    "nope.png",
    "IMAGE_NOT_FOUND",
    "nope.png: expected a JPEG, PNG, WebP, GIF or AVIF picture, got no such file",
  ],
  [
    "that is a folder",
    "folder.png",
    "IMAGE_INVALID",
    "folder.png: expected a JPEG, PNG, WebP, GIF or AVIF picture, got a directory",
  ],
  ["that is a device", "/dev/zero", "IMAGE_INVALID", "/dev/zero: "],
  [
    "that is empty",
    "empty.png",
    "IMAGE_INVALID",
    "empty.png: expected a JPEG, PNG, WebP, GIF or AVIF picture, got an empty file",
  ],
  [
    "that is text under another name",
    "text.png",
    "IMAGE_INVALID",
    "text.png: expected a JPEG, PNG, WebP, GIF or AVIF picture, got ",
  ],
  [
    "that is a drawing",
    "vector.svg",
    "IMAGE_INVALID",
    "vector.svg: expected a JPEG, PNG, WebP, GIF or AVIF picture, got ",
  ],
  [
    "that is cut in its header",
    "header-only.png",
    "IMAGE_INVALID",
    "header-only.png: expected a complete PNG picture, got ",
  ],
  ["that is cut in its data", "cut.jpg", "IMAGE_INVALID", "cut.jpg: expected a complete JPEG picture, got "],
  [
    "that claims to be huge",
    "huge.png",
    "IMAGE_TOO_LARGE",
    "huge.png: expected at most 100000000 pixels, got 60000×60000",
  ],
  ["on another machine", "https://example.org/a.png", "IMAGE_NOT_FOUND", "https://example.org/a.png: expected "],
  ["under a hostile name", hostileName, "IMAGE_NOT_FOUND", "evil[2J]0;owned.png: expected "],
  ["under an endless name", "x".repeat(5000), "IMAGE_NOT_FOUND", `${"x".repeat(200)}…: expected `],
  ["without a name", "", "IMAGE_NOT_FOUND", ""],
])("a picture %s", (_name, image, code, message) => {
  const { exitCode, stdout, stderr } = ask(image, "What is it?");
  // A picture whose header is right fails when it is decoded, after the model's line.
  const failure = failureOf(stderr);

  expect([exitCode, stdout]).toEqual([1, ""]);
  expect(failure?.code).toBe(code);
  expect(failure?.message.startsWith(message)).toBe(true);
  expect(failure?.message.length).toBeLessThan(400);
  expect(failure?.hint).toMatch(/\.$/);
  expect(stderr).not.toMatch(/\n {4}at /);
  expect(stderr).not.toContain("\u001b");
});

test("a picture from an empty pipe", () => {
  const { exitCode, stderr } = place.fusion(["ask", "-", "What is it?", "-m", "./tiny"], { input: "" });

  expect(exitCode).toBe(1);
  expect(failureOf(stderr)).toMatchObject({ code: "IMAGE_INVALID", message: expect.stringContaining("got no bytes") });
});

test("a failure is one document with --json", () => {
  const { exitCode, stdout, stderr } = place.fusion(["ask", "nope.png", "Hi", "-m", "./tiny", "--json"]);

  expect([exitCode, stderr]).toEqual([1, ""]);
  expect(Object.keys(JSON.parse(stdout).error)).toEqual(["code", "message", "hint", "details"]);
});

test("a picture of one pixel is a picture", () => {
  expect(ask("one-pixel.png", "What is it?").exitCode).toBe(0);
});

test.each([
  ["empty", "", "USAGE", 2],
  ["blank", " \n\t", "USAGE", 2],
  ["longer than the context", "why ".repeat(300), "CONTEXT_EXCEEDED", 1],
])("a question that is %s", (_name, question, code, expected) => {
  const { exitCode, stdout, stderr } = ask("good.jpg", question);

  expect([exitCode, stdout]).toEqual([expected, ""]);
  expect(failureOf(stderr)).toMatchObject({ code });
});

test.each([
  ["latents that are no square", ["--latents", "5"], 2, /--latents/],
  ["image tokens that are no square", ["--image-tokens", "10"], 2, /--image-tokens/],
  ["no latents", ["--latents", "0"], 2, /--latents/],
  ["a negative temperature", ["--temperature", "-1"], 2, /--temperature/],
  ["no threads", ["--threads", "0"], 2, /--threads/],
  ["an empty stop text", ["--stop", ""], 2, /--stop/],
  [
    "more latents than the context holds",
    ["--latents", "400"],
    1,
    /latents and imageTokens: expected fewer than 256 together/,
  ],
])("an answer with %s", (_name, args, exitCode, message) => {
  const result = ask("good.jpg", "Hi", ...args);

  expect(result.exitCode).toBe(exitCode);
  expect(failureOf(result.stderr)?.message).toMatch(message);
});
