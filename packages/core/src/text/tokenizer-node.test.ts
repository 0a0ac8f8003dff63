import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadTokenizer } from "./tokenizer-node.ts";
import { sentencePieceFiles } from "./tokenizers-for-tests.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fusion-tokenizer-"));
});

afterEach(() => rm(folder, { recursive: true }));

const { tokenizerJson, tokenizerConfig } = sentencePieceFiles("phi_3");
const write = (name: string, content: unknown) =>
  writeFile(
    join(folder, name),
    typeof content === "string" || content instanceof Uint8Array ? content : JSON.stringify(content),
  );
const failure = () =>
  loadTokenizer(folder).then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );

describe("loadTokenizer", () => {
  it("reads tokenizer.json and tokenizer_config.json", async () => {
    await write("tokenizer.json", tokenizerJson);
    await write("tokenizer_config.json", tokenizerConfig);

    const tokenizer = await loadTokenizer(folder);

    expect(tokenizer).toMatchObject({ addsBos: false, bosId: 1, eosIds: [tokenizer.idOf("<|endoftext|>")] });
    expect(tokenizer.vocabSize).toBe(Math.max(...tokenizerJson.added_tokens.map(({ id }) => id)) + 1);
  });

  it("fills in tokens from added_tokens.json and special_tokens_map.json", async () => {
    await write("tokenizer.json", tokenizerJson);
    await write("added_tokens.json", { "<extra>": 9000, "<|end|>": tokenizerJson.added_tokens.at(-4)?.id });
    await write("special_tokens_map.json", { eos_token: { content: "<extra>" }, pad_token: "<unk>" });

    const tokenizer = await loadTokenizer(folder);

    expect(tokenizer).toMatchObject({ eosIds: [9000], padId: 0 });
    expect(tokenizer.encode("<extra>")).toEqual([9000]);
    expect(tokenizer.encode("<|end|>\n")).toHaveLength(1);
  });

  it("says what to do when only a SentencePiece file is there", async () => {
    await write("tokenizer.model", "");

    expect(await failure()).toMatchObject({
      code: "TOKENIZER_INVALID",
      message: expect.stringContaining("expected a file, got only tokenizer.model (SentencePiece)"),
      hint: expect.stringContaining("save_pretrained"),
    });
  });

  it.each([
    ["an empty file", "", "got an empty file"],
    ["a truncated file", JSON.stringify(tokenizerJson).slice(0, 500), "got a file that is cut off"],
    ["text that is not JSON", "{oops}", "got text that is not JSON"],
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\n", "got a Git LFS pointer"],
    [
      "bytes that are not UTF-8",
      new Uint8Array([0x7b, 0xff, 0x7d]),
      "expected JSON in UTF-8, got bytes that are not UTF-8",
    ],
    ["JSON of another kind", "[]", "expected a JSON object"],
  ])("refuses %s", async (_, content, message) => {
    await write("tokenizer.json", content);

    expect(await failure()).toMatchObject({
      code: "TOKENIZER_INVALID",
      at: join(folder, "tokenizer.json"),
      message: expect.stringContaining(message),
    });
  });

  it("refuses a folder without a tokenizer, and a folder that is not there", async () => {
    expect(await failure()).toMatchObject({
      code: "TOKENIZER_INVALID",
      message: expect.stringContaining("got nothing"),
    });
    expect(await loadTokenizer(join(folder, "none")).catch((error: unknown) => error)).toMatchObject({
      code: "TOKENIZER_INVALID",
      message: expect.stringContaining("ENOENT"),
    });
  });
});
