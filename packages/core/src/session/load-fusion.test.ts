import { appendFile, cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { writeTinyModel } from "../testing/write-tiny-model-node.ts";
import { loadFusion } from "./load-fusion-node.ts";
import { testPhoto } from "./sessions-for-tests.ts";

let root: string;
let sound: string;
let folder: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "load-"));
  sound = join(root, "sound");
  await writeTinyModel(sound);
});
afterAll(() => rm(root, { recursive: true }));

/** A copy of the sound model, to be spoiled. */
beforeEach(async () => {
  folder = await mkdtemp(join(root, "model-"));
  await cp(sound, folder, { recursive: true });
});

const load = () => loadFusion(folder, { worker: false });

async function editJson(file: string, edit: (json: Record<string, unknown>) => void): Promise<void> {
  const json = JSON.parse(await readFile(join(folder, file), "utf8"));
  edit(json);
  await writeFile(join(folder, file), JSON.stringify(json));
}

describe("a model by name", () => {
  const cwd = process.cwd();
  /** The working folder is an empty one: a folder of that name would win. */
  beforeEach(() => process.chdir(root));
  afterEach(() => process.chdir(cwd));

  it("nano is the trained one that is installed, and answers", async () => {
    const model = await loadFusion("nano", { worker: false });
    const answer = await model.ask({ image: await testPhoto(), question: "Is this a beach?" });

    expect(answer.text).toMatch(/^(yes|no)$/);
    expect(answer.usage).toMatchObject({ imageTokens: 16, latentTokens: 16 });
    expect(model.info).toMatchObject({ source: "nano", untrained: false, device: "cpu", contextLength: 1024 });
    await model.dispose();
  });

  it("that nobody knows is refused with the names of the known ones", async () => {
    await expect(loadFusion("nanoo", { worker: false })).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
      message: expect.stringMatching(/nanoo: expected .*nano, .*fusion-phi3.5-3b/),
      hint: expect.stringContaining("initModel("),
    });
  });

  it("of a preset is refused: it has no weights", async () => {
    await expect(loadFusion("bench-1b", { worker: false })).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
      hint: "Make one with random weights: fusion model init bench-1b --out bench-1b",
      details: { preset: "bench-1b", parameters: expect.any(Number) },
    });
  });

  it("is a folder's where there is one of that name", async () => {
    await cp(sound, join(root, "nano"), { recursive: true });
    const model = await loadFusion("nano", { worker: false });

    expect(model.info.parameters).toBeLessThan(1e6);
    await model.dispose();
    await rm(join(root, "nano"), { recursive: true });
  });
});

describe("a loaded model", () => {
  it("refuses questions after dispose, which may be called twice and by `await using`", async () => {
    const model = await load();
    await Promise.all([model.dispose(), model.dispose()]);
    await model[Symbol.asyncDispose]();

    await expect(model.ask({ question: "Still there?" })).rejects.toMatchObject({
      code: "OPTION_INVALID",
      at: "model",
    });
    expect(() => model.chat()).toThrow("disposed");
  });

  it("stops answers under way when it is disposed, and refuses its chats", async () => {
    const model = await load();
    const chat = model.chat();
    await chat.send("One?", { maxTokens: 1 });
    const asking = expect(model.ask({ question: "Another?", maxTokens: 200 })).rejects.toMatchObject({
      code: "ABORTED",
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await model.dispose();

    await asking;
    await expect(chat.send("Two?")).rejects.toMatchObject({ code: "OPTION_INVALID", at: "chat" });
  });

  it("takes further stop tokens from generation_config.json", async () => {
    const model = await load();
    const question = { question: "What is it?", maxTokens: 8 };
    const { tokens } = await model.ask(question);
    await model.dispose();
    await writeFile(join(folder, "generation_config.json"), JSON.stringify({ eos_token_id: [tokens[2]] }));

    const stopping = await load();
    const answer = await stopping.ask(question);
    await stopping.dispose();

    expect(answer).toMatchObject({ finishReason: "stop", tokens: tokens.slice(0, tokens.indexOf(tokens[2]!) + 1) });
  });
});

type Case = [what: string, spoil: () => Promise<unknown>, error: { code: string; message: RegExp }];

describe("a folder that is no sound model", () => {
  const cases: Case[] = [
    [
      "not there",
      () => rm(folder, { recursive: true }),
      { code: "MODEL_NOT_FOUND", message: /expected a model folder, got nothing/ },
    ],
    [
      "a file",
      async () => {
        await rm(folder, { recursive: true });
        await writeFile(folder, "");
      },
      { code: "MODEL_NOT_FOUND", message: /got a file/ },
    ],
    [
      "without config.json",
      () => rm(join(folder, "config.json")),
      { code: "MODEL_NOT_FOUND", message: /has no config\.json/ },
    ],
    [
      "with an empty config.json",
      () => writeFile(join(folder, "config.json"), ""),
      { code: "CONFIG_INVALID", message: /an empty file/ },
    ],
    [
      "of another model",
      () =>
        writeFile(
          join(folder, "config.json"),
          JSON.stringify({ model_type: "bert", vocab_size: 30522, hidden_size: 768 }),
        ),
      { code: "CONFIG_INVALID", message: /model_type/ },
    ],
    [
      "with semantics that nobody knows",
      () => editJson("config.json", (json) => Object.assign(json, { fusion_semantics: "both" })),
      { code: "CONFIG_INVALID", message: /fusion_semantics/ },
    ],
    [
      "with a size that its weights do not have",
      () => editJson("config.json", (json) => Object.assign(json, { intermediate_size: 52 })),
      { code: "WEIGHTS_MISMATCH", message: /\[/ },
    ],
    [
      "without weights",
      () => rm(join(folder, "model.safetensors")),
      { code: "MODEL_NOT_FOUND", message: /model\.safetensors/ },
    ],
    [
      "with truncated weights",
      () => truncate(join(folder, "model.safetensors"), 5000),
      { code: "WEIGHTS_INVALID", message: /model\.safetensors/ },
    ],
    [
      "with more than its weights say",
      () => appendFile(join(folder, "model.safetensors"), "more"),
      { code: "WEIGHTS_INVALID", message: /model\.safetensors/ },
    ],
    [
      "without a tokenizer",
      () => rm(join(folder, "tokenizer.json")),
      { code: "TOKENIZER_INVALID", message: /tokenizer\.json/ },
    ],
    [
      "with half a tokenizer",
      () => truncate(join(folder, "tokenizer.json"), 300),
      { code: "TOKENIZER_INVALID", message: /cut off/ },
    ],
    [
      "with more tokens than embedding rows",
      () =>
        editJson("tokenizer.json", (json) => {
          const special = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
          (json.added_tokens as unknown[]).push({ id: 320, content: "<one too many>", ...special });
        }),
      { code: "TOKENIZER_INVALID", message: /at most 320 tokens.*got 321/ },
    ],
    ...(["null", "[1]", '"text"', '{"eos_token_id": "<|end|>"}', '{"eos_token_id": -1}'] as const).map(
      (json): Case => [
        `with ${json} for generation_config.json`,
        () => writeFile(join(folder, "generation_config.json"), json),
        { code: "CONFIG_INVALID", message: /generation_config\.json: expected an object whose eos_token_id/ },
      ],
    ),
    [
      "with a generation_config.json that is no JSON",
      () => writeFile(join(folder, "generation_config.json"), "{"),
      { code: "CONFIG_INVALID", message: /JSON in UTF-8/ },
    ],
  ];

  it.each(cases)("(%s) is refused in one message", async (_what, spoil, { code, message }) => {
    await spoil();

    await expect(load()).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/\.$|nano$/),
    });
  });
});
