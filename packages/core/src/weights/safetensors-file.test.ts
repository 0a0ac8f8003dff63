import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import { float32, int64, type Tensor, tensor } from "../tensor/index.ts";
import { openSafetensors } from "./safetensors-file-node.ts";
import { sourceOf, type TensorData, type WeightSource, writeSafetensors } from "./write-safetensors-node.ts";

let room: string;
beforeAll(async () => {
  room = await mkdtemp(join(tmpdir(), "safetensors-"));
});
afterAll(() => rm(room, { recursive: true }));

/** A folder of its own for one test. */
const folder = () => mkdtemp(join(room, "case-"));

async function errorOf(promise: Promise<unknown>): Promise<FusionError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!FusionError.isInstance(error)) throw new Error(`expected a FusionError, got ${String(error)}`);
  return error;
}

const oneTensor = (data: TensorData): WeightSource => ({
  layout: [{ name: "w", dtype: "float32", shape: [2, 2] }],
  data: () => data,
});

describe("openSafetensors", () => {
  it("reads a file that the reference implementation's users made", async () => {
    const path = fileURLToPath(
      new URL("../../../../test/golden/model/A_phi_siglip2/inputs.safetensors", import.meta.url),
    );

    const file = await openSafetensors(path);

    expect(file.metadata).toEqual({ images: "../common/images_u8.safetensors" });
    expect(file.tensors.get("input_ids")).toEqual({
      dtype: "int64",
      shape: [3, 44],
      offset: 416 + 156,
      length: 1056,
      file: file.path,
    });
    // numpy.frombuffer over the same bytes
    expect((await file.read("image_index")).data).toEqual(BigInt64Array.of(0n, 1n, -1n));
    const ids = (await file.read("input_ids")).data as BigInt64Array;
    expect([...ids.slice(0, 12)].map(Number)).toEqual([1, 168, 190, 169, 239, 296, 295, 298, -300, 299, 298, -200]);
    expect(ids.reduce((sum, id) => sum + id, 0n)).toBe(15707n);
    const mask = (await file.read("attention_mask")).data as Uint8Array;
    expect(mask.reduce((sum, bit) => sum + bit, 0)).toBe(98);
    await file.close();
  });

  it("names the file it found behind a link", async () => {
    const where = await folder();
    await writeSafetensors(join(where, "blob"), sourceOf({ w: float32([1], [7]) }));
    await symlink(join(where, "blob"), join(where, "model.safetensors"));

    const file = await openSafetensors(join(where, "model.safetensors"));

    expect(file.path.endsWith("blob")).toBe(true);
    expect(file.tensors.get("w")!.file).toBe(file.path);
    await file.close();
  });

  it("refuses an unknown name and says which there are", async () => {
    const path = join(await folder(), "m.safetensors");
    await writeSafetensors(path, sourceOf({ w: float32([1], [7]) }));
    const file = await openSafetensors(path);

    const error = await errorOf(file.read("v"));
    await file.close();

    expect(error.message).toBe(`${path}: tensor "v": expected a tensor of this name, got none among 1`);
    expect(error.hint).toContain('"w"');
  });

  it("notices that the file became shorter after it was opened", async () => {
    const path = join(await folder(), "m.safetensors");
    await writeSafetensors(path, sourceOf({ w: float32([4], [1, 2, 3, 4]) }));
    const file = await openSafetensors(path);
    await truncate(path, file.tensors.get("w")!.offset + 4);

    const error = await errorOf(file.read("w"));
    await file.close();

    expect(error.code).toBe("WEIGHTS_INVALID");
    expect(error.message).toMatch(/tensor "w": expected 16 bytes at \d+, got 4/);
  });

  it.each<[string, (path: string) => Promise<unknown>, string, RegExp]>([
    ["a missing file", async () => undefined, "MODEL_NOT_FOUND", /got no such file/],
    ["a dangling link", (path) => symlink(`${path}.gone`, path), "MODEL_NOT_FOUND", /got no such file/],
    ["a folder", (path) => mkdir(path), "WEIGHTS_INVALID", /got a folder/],
    ["an empty file", (path) => writeFile(path, ""), "WEIGHTS_INVALID", /at least 8 bytes, got 0 bytes/],
    ["three bytes", (path) => writeFile(path, "abc"), "WEIGHTS_INVALID", /at least 8 bytes, got 3 bytes/],
    [
      "a file cut inside its header",
      async (path) => {
        await writeSafetensors(path, sourceOf({ w: float32([1], [7]) }));
        await truncate(path, 20);
      },
      "WEIGHTS_INVALID",
      /as the header length says, got a file of 20 bytes/,
    ],
    [
      "a file cut inside its data",
      async (path) => {
        await writeSafetensors(path, sourceOf({ w: float32([2], [7, 8]) }));
        await truncate(path, (await readFile(path)).length - 1);
      },
      "WEIGHTS_INVALID",
      /tensor "w": expected data within the 7 bytes behind the header, got an end at 8/,
    ],
  ])("refuses %s", async (_what, make, code, message) => {
    const path = join(await folder(), "m.safetensors");
    await make(path);

    const error = await errorOf(openSafetensors(path));

    expect(error.code).toBe(code);
    expect(error.message.startsWith(path)).toBe(true);
    expect(error.message).toMatch(message);
  });
});

describe("writeSafetensors", () => {
  it("writes every element type so that it reads back the same", async () => {
    const tensors: Record<string, Tensor> = {
      a: float32([2, 2], [1, -2, 0.1, Number.POSITIVE_INFINITY]),
      b: tensor("float64", [1], Float64Array.of(Math.PI)),
      c: tensor("float16", [3], Uint16Array.of(0x3c00, 0x7bff, 1)),
      d: tensor("bfloat16", [1], Uint16Array.of(0x3f80)),
      e: int64([2], [-1, 2 ** 40]),
      f: tensor("int32", [1], Int32Array.of(-5)),
      g: tensor("int8", [3], Int8Array.of(-128, 0, 127)),
      h: tensor("uint8", [1], Uint8Array.of(255)),
      i: tensor("bool", [2], Uint8Array.of(1, 0)),
      empty: float32([0, 4], []),
      scalar: float32([], [3]),
    };
    const path = join(await folder(), "all.safetensors");

    await writeSafetensors(path, sourceOf(tensors, { format: "pt", note: "ü" }));
    const file = await openSafetensors(path);

    for (const [name, value] of Object.entries(tensors)) expect(await file.read(name)).toEqual(value);
    expect(file.tensors.size).toBe(11);
    expect(file.metadata).toEqual({ format: "pt", note: "ü" });
    await file.close();
  });

  it("takes data in pieces, also asynchronous ones that reuse their memory", async () => {
    const path = join(await folder(), "m.safetensors");
    async function* pieces() {
      const buffer = new Float32Array(1);
      for (const value of [1, 2, 3, 4]) {
        buffer[0] = value;
        yield buffer;
      }
    }

    await writeSafetensors(path, oneTensor(pieces()));
    const file = await openSafetensors(path);

    expect((await file.read("w")).data).toEqual(Float32Array.of(1, 2, 3, 4));
    await file.close();
  });

  it("takes raw bytes and views into larger memory", async () => {
    const path = join(await folder(), "m.safetensors");
    const large = Float32Array.of(9, 1, 2, 3, 4, 9);
    const bytes = new Uint8Array(large.buffer, 12, 8);

    await writeSafetensors(path, oneTensor([large.subarray(1, 3), bytes]));
    const file = await openSafetensors(path);

    expect((await file.read("w")).data).toEqual(Float32Array.of(1, 2, 3, 4));
    await file.close();
  });

  it.each<[string, () => TensorData, string, RegExp]>([
    [
      "too few values",
      () => new Float32Array(3),
      "SHAPE_MISMATCH",
      /"w": expected 16 bytes \(float32 \[2, 2\]\), got 12/,
    ],
    ["too many values", () => [new Float32Array(3), new Float32Array(3)], "SHAPE_MISMATCH", /got 24 or more/],
    ["another element type", () => new Float64Array(2), "DTYPE_MISMATCH", /Float32Array .*, got Float64Array/],
  ])("refuses %s, removes the temporary file and keeps the file that was there", async (_what, data, code, message) => {
    const where = await folder();
    const path = join(where, "m.safetensors");
    await writeFile(path, "the old file");

    const error = await errorOf(writeSafetensors(path, oneTensor(data())));

    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(await readdir(where)).toEqual(["m.safetensors"]);
    expect(await readFile(path, "utf8")).toBe("the old file");
  });

  it("passes on what the source throws, and leaves nothing behind", async () => {
    const where = await folder();
    const failure = new Error("the source dried up");
    async function* pieces() {
      yield new Float32Array(2);
      throw failure;
    }

    const writing = writeSafetensors(join(where, "m.safetensors"), oneTensor(pieces()));

    await expect(writing).rejects.toBe(failure);
    expect(await readdir(where)).toEqual([]);
  });

  it("stops drawing from a source that gives too much", async () => {
    let drawn = 0;
    function* endless() {
      while (drawn < 1000) {
        drawn++;
        yield new Float32Array(3);
      }
    }

    await errorOf(writeSafetensors(join(await folder(), "m.safetensors"), oneTensor(endless())));

    expect(drawn).toBe(2);
  });

  it("refuses the name of a folder before it asks for data", async () => {
    const path = join(await folder(), "m.safetensors");
    await mkdir(path);
    let asked = false;
    const source = oneTensor(new Float32Array(4));

    const error = await errorOf(
      writeSafetensors(path, {
        ...source,
        data: (name) => {
          asked = true;
          return source.data(name);
        },
      }),
    );

    expect(error.message).toMatch(/got a folder/);
    expect(asked).toBe(false);
  });

  it.each<[string, (where: string) => Promise<string>, RegExp]>([
    ["the folder is missing", async (where) => join(where, "no", "m.safetensors"), /Create the folder/],
    [
      "a file stands where the folder should be",
      async (where) => {
        await writeFile(join(where, "file"), "");
        return join(where, "file", "m.safetensors");
      },
      /Name a file in a folder/,
    ],
    [
      "a folder has the name",
      async (where) => {
        await mkdir(join(where, "m.safetensors"));
        return join(where, "m.safetensors");
      },
      /Check the path/,
    ],
  ])("says WRITE_FAILED when %s", async (_what, make, hint) => {
    const where = await folder();
    const path = await make(where);
    const before = await readdir(where);

    const error = await errorOf(writeSafetensors(path, oneTensor(new Float32Array(4))));

    expect(error.code).toBe("WRITE_FAILED");
    expect(error.at).toBe(path);
    expect(error.hint).toMatch(hint);
    expect(await readdir(where)).toEqual(before);
  });
});
