import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyModel } from "../testing/write-tiny-model-node.ts";
import type { FusionModel } from "./fusion-model.ts";
import { loadFusion } from "./load-fusion-node.ts";
import { testPhoto } from "./sessions-for-tests.ts";

let folder: string;
let photo: Uint8Array;
let model: FusionModel;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wrong-"));
  await writeTinyModel(folder);
  photo = await testPhoto();
  model = await loadFusion(folder, { worker: false });
});
afterAll(async () => {
  await model.dispose();
  await rm(folder, { recursive: true });
});

/** What a caller without types may write. */
// biome-ignore lint/suspicious/noExplicitAny: the compiler would refuse every call of this file.
const untyped = (value: unknown) => value as any;
const question = "What is it?";

describe("an option that does not exist is refused with the nearest one", () => {
  it.each<[string, () => Promise<unknown>, string]>([
    ["ask", () => model.ask(untyped({ question, maxToken: 3 })), "maxToken: no such option; did you mean maxTokens?"],
    ["stream", () => model.stream(untyped({ question, top_k: 3 })).next(), "top_k: no such option; did you mean topK?"],
    ["chat", async () => model.chat(untyped({ images: photo })), "images: no such option; did you mean image?"],
    ["send", () => model.chat().send(question, untyped({ image: photo })), "image: no such option"],
    ["loadFusion", () => loadFusion(folder, untyped({ thread: 2 })), "thread: no such option; did you mean threads?"],
  ])("by %s", async (_name, call, message) => {
    await expect(call()).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message,
      hint: expect.stringMatching(/^The /),
    });
  });

  it("and one that is undefined is taken for absent", async () => {
    const { tokens } = await model.ask(untyped({ question, maxTokens: 1, maxToken: undefined }));

    expect(tokens).toHaveLength(1);
  });
});

describe("a call", () => {
  it.each<[string, () => Promise<unknown>, string]>([
    ["ask without options", () => model.ask(untyped(undefined)), "ask: expected an object with options, got nothing"],
    [
      "ask with a text",
      () => model.ask(untyped(question)),
      'ask: expected an object with options, got "What is it?" (a string)',
    ],
    [
      "loadFusion without a model",
      () => loadFusion(untyped(undefined)),
      'model: expected the path of a model folder, or "nano"',
    ],
    [
      "loadFusion with an unknown device",
      () => loadFusion(folder, untyped({ device: "gpu" })),
      "device: expected one of auto, cpu, webgpu, cuda, got gpu",
    ],
    [
      "ask with a number as text",
      () => model.ask(untyped({ question, maxTokens: "3" })),
      'maxTokens: expected a whole number of 1 or more, got "3" (a string)',
    ],
    [
      "loadFusion with a number as text",
      () => loadFusion(folder, untyped({ latents: "16" })),
      'latents: expected a square number such as 16, 64 or 144, got "16" (a string)',
    ],
  ])("of %s is told what is wrong", async (_name, call, message) => {
    await expect(call()).rejects.toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining(message) });
  });
});

describe("a picture", () => {
  it("may be a file: URL or an ArrayBuffer, and gives the same answer as its bytes", async () => {
    const path = join(folder, "a photo.png");
    await writeFile(path, photo);
    const images = [photo, pathToFileURL(path), photo.buffer.slice(photo.byteOffset, photo.byteOffset + photo.length)];

    const answers = [];
    for (const image of images) {
      answers.push((await model.ask(untyped({ image, question, maxTokens: 4 }))).tokens);
    }

    expect(answers).toEqual([answers[0], answers[0], answers[0]]);
  });

  it.each<[string, unknown, string, string]>([
    ["a Blob", new Blob([]), "got a Blob", "Pass new Uint8Array(await blob.arrayBuffer())."],
    ["a URL of the network", new URL("https://example.org/a.png"), "got a URL with https:", "URLs are not fetched"],
    ["a DataView", new DataView(new ArrayBuffer(1)), "got a DataView", "view.byteOffset"],
    ["null", null, "got null", "leave image out"],
  ])("that is %s is refused with what to pass instead", async (_name, image, message, hint) => {
    await expect(model.ask(untyped({ image, question }))).rejects.toMatchObject({
      code: "IMAGE_INVALID",
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
  });
});
