import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeTinyModel } from "@fusion-vlm/core/testing";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failureOf, Workplace } from "./fusion-for-tests.ts";

let place: Workplace;

/** Changes a copy of a good model folder. */
type Damage = (folder: string) => Promise<unknown>;

beforeAll(async () => {
  place = await Workplace.open();
  await sharp({ create: { width: 20, height: 30, channels: 3, background: "#c04020" } }).toFile(place.path("red.png"));
  await writeTinyModel(place.path("good"));
});

afterAll(() => place.close());

async function damaged(damage: Damage): Promise<string> {
  await rm(place.path("model"), { recursive: true, force: true });
  await cp(place.path("good"), place.path("model"), { recursive: true });
  await damage(place.path("model"));
  return "./model";
}

const write =
  (file: string, content: string | Uint8Array): Damage =>
  (folder) =>
    writeFile(join(folder, file), content);
const remove =
  (file: string): Damage =>
  (folder) =>
    rm(join(folder, file));

/** Sets keys of a JSON file; undefined removes one. */
function keys(file: string, changes: Record<string, unknown>): Damage {
  return async (folder) => {
    const path = join(folder, file);
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...changes }));
  };
}

interface Span {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** Rewrites the header of model.safetensors around the same data. */
function header(change: (tensors: Record<string, Span>, names: string[]) => void): Damage {
  return async (folder) => {
    const path = join(folder, "model.safetensors");
    const bytes = await readFile(path);
    const size = Number(bytes.readBigUInt64LE(0));
    const tensors = JSON.parse(bytes.subarray(8, 8 + size).toString());
    change(
      tensors,
      Object.keys(tensors).filter((name) => name !== "__metadata__"),
    );
    const text = Buffer.from(JSON.stringify(tensors));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    await writeFile(path, Buffer.concat([length, text, bytes.subarray(8 + size)]));
  };
}

function bytesOf(file: string, change: (bytes: Buffer) => Uint8Array): Damage {
  return async (folder) => writeFile(join(folder, file), change(await readFile(join(folder, file))));
}

const index =
  (map: Record<string, string>): Damage =>
  async (folder) => {
    await rm(join(folder, "model.safetensors"));
    await writeFile(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
  };

describe("a model folder", () => {
  test.each<[string, Damage, string, RegExp]>([
    ["without config.json", remove("config.json"), "MODEL_NOT_FOUND", / has no config\.json: not a model folder/],
    [
      "with an empty config.json",
      write("config.json", ""),
      "CONFIG_INVALID",
      /config\.json: expected JSON in UTF-8, got an empty file/,
    ],
    [
      "with a config.json that is no JSON",
      write("config.json", "{"),
      "CONFIG_INVALID",
      /config\.json: expected JSON in UTF-8/,
    ],
    [
      "with a config.json that is not UTF-8",
      write("config.json", Uint8Array.of(0x7b, 0xff, 0x7d)),
      "CONFIG_INVALID",
      /config\.json: expected JSON in UTF-8/,
    ],
    ["with a list as config.json", write("config.json", "[]"), "CONFIG_INVALID", /config\.json: /],
    [
      "with a config.json without keys",
      write("config.json", '{"model_type":"fusion_phi"}'),
      "CONFIG_INVALID",
      /hidden_size: missing/,
    ],
    ["of another model family", keys("config.json", { model_type: "llama" }), "CONFIG_INVALID", /model_type/],
    [
      "with several wrong values",
      keys("config.json", { hidden_size: "wide", num_hidden_layers: -1 }),
      "CONFIG_INVALID",
      /hidden_size.*num_hidden_layers/,
    ],
    [
      "with heads that do not divide its width",
      keys("config.json", { num_attention_heads: 5 }),
      "CONFIG_INVALID",
      /divisible by/,
    ],
    ["with endless layers", keys("config.json", { num_hidden_layers: 1e6 }), "CONFIG_INVALID", /num_hidden_layers/],
    ["with an endless window", keys("config.json", { window_size: 100_000 }), "CONFIG_INVALID", /window_size/],
    ["with endless pictures", keys("vision_config.json", { image_size: 1e8 }), "CONFIG_INVALID", /image_size/],
    [
      "with image tokens past its context",
      keys("config.json", { fusion_image_tokens: 256 }),
      "CONFIG_INVALID",
      /config\.json: expected fusion_image_tokens below/,
    ],
    ["with latents that are no squares", keys("config.json", { query_len: "4,5" }), "CONFIG_INVALID", /query_len/],
    [
      "with an unknown tower",
      async (folder) => {
        await keys("config.json", { mm_vision_tower: "nowhere" })(folder);
        await remove("vision_config.json")(folder);
      },
      "CONFIG_INVALID",
      /mm_vision_tower/,
    ],
    ["with an unknown rope", keys("config.json", { rope_scaling: { type: "yarn" } }), "CONFIG_INVALID", /rope_scaling/],
    [
      "with a wrong vision_config.json",
      keys("vision_config.json", { patch_size: 0 }),
      "CONFIG_INVALID",
      /vision_config\.json: patch_size/,
    ],
    [
      "with a wrong generation_config.json",
      write("generation_config.json", '{"eos_token_id":"end"}'),
      "CONFIG_INVALID",
      /generation_config\.json/,
    ],
    [
      "without a tokenizer",
      remove("tokenizer.json"),
      "TOKENIZER_INVALID",
      /tokenizer\.json: expected a file, got nothing/,
    ],
    ["with a tokenizer that is no JSON", write("tokenizer.json", "<html>"), "TOKENIZER_INVALID", /tokenizer\.json/],
    [
      "with a tokenizer for another template",
      keys("config.json", { fusion_template: "llama_3" }),
      "TOKENIZER_INVALID",
      /./,
    ],
    [
      "with a folder as config.json",
      async (folder) => {
        await remove("config.json")(folder);
        await mkdir(join(folder, "config.json"));
      },
      "CONFIG_INVALID",
      /config\.json: expected a regular file, got a directory/,
    ],
    ["without weights", remove("model.safetensors"), "MODEL_NOT_FOUND", /./],
    ["with empty weights", write("model.safetensors", ""), "WEIGHTS_INVALID", /model\.safetensors/],
    [
      "with weights that were cut",
      bytesOf("model.safetensors", (bytes) => bytes.subarray(0, bytes.length - 100)),
      "WEIGHTS_INVALID",
      /model\.safetensors/,
    ],
    [
      "with more bytes than tensors",
      bytesOf("model.safetensors", (bytes) => Buffer.concat([bytes, Buffer.alloc(9)])),
      "WEIGHTS_INVALID",
      /model\.safetensors/,
    ],
    [
      "with a header that claims to be endless",
      bytesOf("model.safetensors", (bytes) => {
        bytes.writeBigUInt64LE(2n ** 60n);
        return bytes;
      }),
      "WEIGHTS_INVALID",
      /model\.safetensors/,
    ],
    [
      "with tensors that overlap",
      header((tensors, [a, b]) => {
        tensors[a!]!.data_offsets = tensors[b!]!.data_offsets;
      }),
      "WEIGHTS_INVALID",
      /model\.safetensors/,
    ],
    [
      "with a tensor that leaves the file",
      header((tensors, [a]) => {
        tensors[a!]!.data_offsets = [2 ** 40, 2 ** 40 + 4];
      }),
      "WEIGHTS_INVALID",
      /model\.safetensors/,
    ],
    [
      "with an unknown element type",
      header((tensors, [a]) => {
        tensors[a!]!.dtype = "F8_E4M3";
      }),
      "WEIGHTS_INVALID",
      /F8_E4M3/,
    ],
    [
      "with a tensor of another shape",
      header((tensors, names) => {
        tensors[names.find((name) => tensors[name]!.shape.length === 2)!]!.shape.reverse();
      }),
      "WEIGHTS_MISMATCH",
      /./,
    ],
    [
      "with a tensor under another name",
      header((tensors, [a]) => {
        tensors["model.other"] = tensors[a!]!;
        delete tensors[a!];
      }),
      "WEIGHTS_MISMATCH",
      /model\.other/,
    ],
    [
      "with a hostile tensor name",
      header((tensors, [a]) => {
        tensors["evil\u001b[2J"] = tensors[a!]!;
        delete tensors[a!];
      }),
      "WEIGHTS_MISMATCH",
      /evil/,
    ],
    [
      "with whole numbers as weights",
      header((tensors) => {
        for (const span of Object.values(tensors)) if (span.dtype === "F32") span.dtype = "I32";
      }),
      "WEIGHTS_MISMATCH",
      /I32|int32/i,
    ],
    [
      "with a shard that is missing",
      index({ "lm_head.weight": "model-00001-of-00002.safetensors" }),
      "WEIGHTS_INVALID",
      /model-00001-of-00002\.safetensors/,
    ],
    [
      "with an index that leaves the folder",
      index({ "lm_head.weight": "../good/model.safetensors" }),
      "WEIGHTS_INVALID",
      /\.\.\/good/,
    ],
    [
      "with a pickle instead of weights",
      async (folder) => {
        await remove("model.safetensors")(folder);
        await write("pytorch_model.bin", "PK\u0003\u0004")(folder);
      },
      "WEIGHTS_INVALID",
      /pytorch_model\.bin/,
    ],
  ])("%s", async (_name, damage, code, message) => {
    const model = await damaged(damage);

    const { exitCode, stdout, stderr } = place.fusion(["ask", "red.png", "Hi", "--max-tokens", "1", "-m", model]);
    const failure = failureOf(stderr);

    expect([exitCode, stdout]).toEqual([1, ""]);
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(failure?.hint).toMatch(/[.]$|fusion model init nano --out nano$/);
    expect(stderr).toMatch(/^Error: /);
    expect(stderr).not.toMatch(/\n {4}at /);
    expect(stderr).not.toContain("\u001b");
  });

  test("that is sound answers", async () => {
    const model = await damaged(async () => {});

    expect(place.fusion(["ask", "red.png", "Hi", "--max-tokens", "1", "-m", model]).exitCode).toBe(0);
  });
});

describe("a model", () => {
  test.each([
    ["that is neither a folder nor a preset", "mega", "MODEL_NOT_FOUND"],
    ["at a path where nothing is", "./nope", "MODEL_NOT_FOUND"],
    ["that is a file", "./red.png", "MODEL_NOT_FOUND"],
    ["that is an empty folder", "./empty", "MODEL_NOT_FOUND"],
    ["without a name", "", "MODEL_NOT_FOUND"],
  ])("%s is told by every command in the same words", async (_name, model, code) => {
    await mkdir(place.path("empty"), { recursive: true });
    const commands = [
      ["ask", "red.png", "Hi", "--model", model],
      ["chat", "--model", model],
      ["model", "inspect", "--model", model],
    ];

    const results = commands.map((args) => place.fusion(args));

    for (const { exitCode, stdout, stderr } of results) {
      expect([exitCode, stdout]).toEqual([1, ""]);
      expect(failureOf(stderr)).toMatchObject({ code });
      expect(stderr).toBe(results[0]!.stderr);
    }
  });

  test.skipIf(process.getuid?.() === 0)("whose files may not be read", async () => {
    const model = await damaged(async (folder) => {
      await rm(join(folder, "config.json"));
      await writeFile(join(folder, "config.json"), "{}", { mode: 0o000 });
    });

    const { exitCode, stderr } = place.fusion(["model", "inspect", model]);

    expect(exitCode).toBe(1);
    expect(failureOf(stderr)).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining("EACCES") });
  });
});
