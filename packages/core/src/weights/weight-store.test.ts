import { mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import { float32 } from "../tensor/index.ts";
import { openWeights } from "./weight-store-node.ts";
import { sourceOf, writeSafetensors } from "./write-safetensors-node.ts";
import { writeWeights } from "./write-weights-node.ts";

let room: string;
beforeAll(async () => {
  room = await realpath(await mkdtemp(join(tmpdir(), "weights-")));
});
afterAll(() => rm(room, { recursive: true }));

const folder = () => mkdtemp(join(room, "case-"));

async function errorOf(promise: Promise<unknown>): Promise<FusionError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!FusionError.isInstance(error)) throw new Error(`expected a FusionError, got ${String(error)}`);
  return error;
}

const three = sourceOf({ a: float32([2], [1, 2]), b: float32([2], [3, 4]), c: float32([1], [5]) }, { format: "pt" });

/** A folder of three tensors in two shards. */
async function sharded(): Promise<string> {
  const where = await folder();
  await writeWeights(where, three, { maxShardBytes: 8 });
  return where;
}

const first = "model-00001-of-00003.safetensors";
const second = "model-00002-of-00003.safetensors";
const third = "model-00003-of-00003.safetensors";
const index = "model.safetensors.index.json";

const writeIndex = (where: string, weight_map: unknown) =>
  writeFile(join(where, index), JSON.stringify({ weight_map }));

describe("openWeights", () => {
  it("reads a single file", async () => {
    const where = await folder();
    expect(await writeWeights(where, three)).toEqual(["model.safetensors"]);

    const store = await openWeights(where);

    expect(store.folder).toBe(where);
    expect(store.totalBytes).toBe(20);
    expect(store.unlisted).toEqual([]);
    const entry = store.entries.get("b")!;
    expect(entry).toMatchObject({
      dtype: "float32",
      shape: [2],
      length: 8,
      path: join(where, "model.safetensors"),
      location: "model.safetensors",
    });
    const bytes = await readFile(entry.path);
    expect([bytes.readFloatLE(entry.offset), bytes.readFloatLE(entry.offset + 4)]).toEqual([3, 4]);
    expect((await store.read("c")).data).toEqual(Float32Array.of(5));
    await store.close();
  });

  it("reads shards through their index", async () => {
    const where = await sharded();
    expect((await readdir(where)).sort()).toEqual([first, second, third, index].sort());

    const store = await openWeights(where);

    expect([...store.entries].map(([name, { location }]) => [name, location])).toEqual([
      ["a", first],
      ["b", second],
      ["c", third],
    ]);
    expect(store.totalBytes).toBe(20);
    expect((await store.read("b")).data).toEqual(Float32Array.of(3, 4));
    await store.close();
  });

  it("follows the links of a hub cache to the folder of blobs", async () => {
    const where = await sharded();
    const blobs = await folder();
    for (const [i, shard] of [first, second, third].entries()) {
      await rename(join(where, shard), join(blobs, `blob${i}`));
      await symlink(join("..", blobs.slice(room.length + 1), `blob${i}`), join(where, shard));
    }

    const store = await openWeights(where);

    expect(store.folder).toBe(blobs);
    expect(store.entries.get("b")).toMatchObject({ location: "blob1", path: join(blobs, "blob1") });
    await store.close();
  });

  it("finds the folder that files in different folders share", async () => {
    const where = await sharded();
    const elsewhere = await folder();
    await rename(join(where, second), join(elsewhere, "b"));
    await symlink(join(elsewhere, "b"), join(where, second));

    const store = await openWeights(where);

    expect(store.folder).toBe(room);
    expect(store.entries.get("b")!.location).toBe(`${elsewhere.slice(room.length + 1)}/b`);
    await store.close();
  });

  it("accepts shards in a folder below", async () => {
    const where = await folder();
    await mkdir(join(where, "part"));
    await writeSafetensors(join(where, "part", "x.safetensors"), three);
    await writeIndex(where, { a: "part/x.safetensors" });

    const store = await openWeights(where);

    expect(store.folder).toBe(join(where, "part"));
    expect([...store.entries.keys()]).toEqual(["a"]);
    expect(store.unlisted).toEqual(["b", "c"]);
    await store.close();
  });

  it("names all missing shards in one error", async () => {
    const where = await sharded();
    await rm(join(where, first));
    await rm(join(where, third));

    const error = await errorOf(openWeights(where));

    expect(error.code).toBe("WEIGHTS_INVALID");
    expect(error.message).toBe(
      `${join(where, index)}: expected 3 shards beside the index, got 2 missing: "${first}", "${third}"`,
    );
    expect(error.details.missing).toEqual([first, third]);
  });

  it("names the tensors that the index claims and the shard lacks", async () => {
    const where = await sharded();
    await writeIndex(where, { a: first, b: first, x: second });

    const error = await errorOf(openWeights(where));

    expect(error.code).toBe("WEIGHTS_INVALID");
    expect(error.message).toMatch(/2 not there: "b", "x"/);
  });

  it("names the shard whose header lies", async () => {
    const where = await sharded();
    await writeFile(join(where, second), "version https://git-lfs.github.com/spec/v1");

    const error = await errorOf(openWeights(where));

    expect(error.at).toBe(join(where, second));
    expect(error.hint).toMatch(/git lfs pull/);
  });

  it.each(["../model.safetensors", "/etc/passwd", "part/../../x", "C:\\x", "\\\\host\\x", "./x", "part//x", "", 7])(
    "refuses an index that points to %j, before anything is opened",
    async (shard) => {
      const where = await sharded();
      await writeIndex(where, { a: first, b: shard });

      const error = await errorOf(openWeights(where));

      expect(error.code).toBe("WEIGHTS_INVALID");
      expect(error.message).toMatch(/below the folder of the index, got /);
      expect(error.message).toContain(JSON.stringify(shard));
    },
  );

  it.each<[string, string, RegExp]>([
    ["no JSON", "{", /an index in JSON/],
    ["no map", "{}", /weight_map, .*got none/],
    ["a list as map", `{"weight_map":["a"]}`, /weight_map, .*got something else/],
    ["a tensor twice", `{"weight_map":{"a":"x","a":"y"}}`, /"a" twice/],
    ["a list", "[]", /expected/],
  ])("refuses an index with %s", async (_what, text, message) => {
    const where = await folder();
    await writeFile(join(where, index), text);

    const error = await errorOf(openWeights(where));

    expect(error.code).toBe("WEIGHTS_INVALID");
    expect(error.at).toBe(join(where, index));
    expect(error.message).toMatch(message);
  });

  it.each<[string, string[], string, RegExp, RegExp]>([
    [
      "an empty folder",
      [],
      "MODEL_NOT_FOUND",
      /expected model.safetensors or model.safetensors.index.json, got an empty/,
      /Hugging Face/,
    ],
    [
      "a folder of other things",
      ["config.json", "a.txt"],
      "MODEL_NOT_FOUND",
      /neither among "a.txt", "config.json"/,
      /Hugging Face/,
    ],
    [
      "only pickles",
      ["config.json", "pytorch_model.bin"],
      "WEIGHTS_INVALID",
      /got "pytorch_model.bin"/,
      /pickles are never read/,
    ],
    [
      "shards without an index",
      [first, second],
      "MODEL_NOT_FOUND",
      /neither among/,
      /Add the model.safetensors.index.json/,
    ],
  ])("says what it looked for and found in %s", async (_what, names, code, message, hint) => {
    const where = await folder();
    for (const name of names) await writeFile(join(where, name), "");

    const error = await errorOf(openWeights(where));

    expect(error.code).toBe(code);
    expect(error.at).toBe(where);
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
  });

  it("refuses a folder that is not there, and a file", async () => {
    const where = await folder();
    await writeFile(join(where, "file"), "");

    const missing = await errorOf(openWeights(join(where, "no")));
    const file = await errorOf(openWeights(join(where, "file")));

    expect([missing.code, missing.details.actual]).toEqual(["MODEL_NOT_FOUND", "nothing there"]);
    expect([file.code, file.details.actual]).toEqual(["MODEL_NOT_FOUND", "a file"]);
  });
});

describe("writeWeights", () => {
  it("writes an index that Hugging Face libraries read", async () => {
    const where = await sharded();

    expect(JSON.parse(await readFile(join(where, index), "utf8"))).toEqual({
      metadata: { total_size: 20 },
      weight_map: { a: first, b: second, c: third },
    });
  });

  it("fills a shard up to its limit and gives a larger tensor a file of its own", async () => {
    const where = await folder();
    const source = sourceOf({
      a: float32([1], [1]),
      b: float32([1], [2]),
      large: float32([9], new Float32Array(9)),
      c: float32([1], [3]),
    });

    await writeWeights(where, source, { maxShardBytes: 8 });
    const store = await openWeights(where);

    expect([...store.entries.values()].map(({ location }) => location)).toEqual([first, first, third, second]);
    await store.close();
  });

  it("does not put shards beside a single file, which readers would prefer", async () => {
    const where = await folder();
    await writeWeights(where, three);

    const error = await errorOf(writeWeights(where, three, { maxShardBytes: 8 }));

    expect(error.code).toBe("WRITE_FAILED");
    expect(error.message).toMatch(/a folder without model.safetensors,/);
  });
});
