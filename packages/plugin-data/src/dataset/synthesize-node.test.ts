import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { probeImage } from "@fusion-vlm/core";
import { SmallDisk } from "@fusion-vlm/core/testing";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { synthKinds } from "../questions/index.ts";
import { synthesize } from "./synthesize-node.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "fusion-synth-"));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

async function hashes(folder: string): Promise<Record<string, string>> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  const entries = await Promise.all(
    paths.map(
      async (path) => [path.slice(folder.length + 1).replaceAll("\\", "/"), sha256(await readFile(path))] as const,
    ),
  );
  return Object.fromEntries(entries);
}

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");
const readJson = async (...path: string[]) => JSON.parse(await readFile(join(root, ...path), "utf8"));

describe("synthesize", () => {
  test("writes the same bytes for the same recipe, and others for another seed", async () => {
    await synthesize({ out: join(root, "a"), count: 40, heldout: 8, seed: 3, size: 64 });
    await synthesize({ out: join(root, "b"), count: 40, heldout: 8, seed: 3, size: 64 });
    await synthesize({ out: join(root, "c"), count: 40, heldout: 8, seed: 4, size: 64 });
    const [a, b, c] = await Promise.all(["a", "b", "c"].map((name) => hashes(join(root, name))));

    expect(a).toEqual(b);
    expect(Object.keys(a!).filter((file) => a![file] === c![file])).toEqual([]);
    expect(Object.keys(a!).length).toBe(48 + 6);
  });

  test("writes texts that have not changed since they were pinned", async () => {
    const { card } = await synthesize({ out: join(root, "pinned"), count: 40, heldout: 8, seed: 3, size: 64 });

    // A change here changes everyone's datasets: raise generatorVersion with it.
    expect(card.generatorVersion).toBe(2);
    expect(card.files["scenes.jsonl"]?.sha256).toBe("6309605121e09d5443338e5a264716487388306db4f8a138ef5293d7b9f1bfeb");
    expect(card.files["train.json"]?.sha256).toBe("99700be1a6520e7e518479b589dda973552dc8a0f1986c249e20593bb8f67ad1");
    expect(card.files["captions.json"]?.sha256).toBe(
      "9087086ba93c498206271951281919ed2e976a5d05d278a440cd344f6d8e28b1",
    );
    expect(card.files["heldout.json"]?.sha256).toBe("49e5638696981540599a5dde3f03bfa66187c5753df3340637e068cbd6dba0b4");
  });

  const drawnBy = "0.35.5";
  const isOther = sharp.versions.sharp !== drawnBy;
  const otherSharp = isOther ? ` (they are of sharp ${drawnBy}, this is ${sharp.versions.sharp})` : "";

  test.skipIf(isOther)(`writes the pixels and bytes of pictures that were pinned${otherSharp}`, async () => {
    const folder = join(root, "pinned/images");
    const pixels = createHash("sha256");
    const files = createHash("sha256");
    for (const name of (await readdir(folder)).sort()) {
      const bytes = await readFile(join(folder, name));
      files.update(bytes);
      pixels.update(await sharp(bytes).raw().toBuffer());
    }

    // Under another version of sharp, edges or packing may differ: look at the pictures, and pin anew.
    expect(pixels.digest("hex")).toBe("575e568b7f4016529ea5e74c02f86daeffa8e847a49b37d911dd1ce13018802f");
    expect(files.digest("hex")).toBe("ee24d8f23154b9820c29a4ef06212c5723524cc8626e18c9c4687af904095cc8");
  });

  test("begins with the smaller dataset of the same seed", async () => {
    await synthesize({ out: join(root, "small"), count: 5, heldout: 2, seed: 3, size: 64 });
    const [small, large] = [await readJson("small", "train.json"), await readJson("a", "train.json")];

    expect(large.slice(0, 5)).toEqual(small);
  });

  test("writes LLaVA's format with paths to pictures that can be decoded", async () => {
    const [train, captions, heldout] = await Promise.all(
      ["train.json", "captions.json", "heldout.json"].map((file) => readJson("a", file)),
    );

    expect([train.length, captions.length]).toEqual([40, 40]);
    expect(new Set([...train, ...captions, ...heldout].map(({ image }) => image)).size).toBe(48);
    for (const { id, image, conversations } of [...train, ...captions, ...heldout]) {
      expect(id).toMatch(/^[\w-]+$/);
      expect(image).toMatch(/^images\/(heldout-)?\d{6}\.png$/);
      expect(conversations.length % 2).toBe(0);
      conversations.forEach(({ from, value }: { from: string; value: string }, turn: number) => {
        expect(from).toBe(turn % 2 === 0 ? "human" : "gpt");
        expect(value.startsWith("<image>\n")).toBe(turn === 0);
        expect(value).toMatch(/^[\x20-\x7e\n]+$/);
      });
    }
    for (const { kinds, conversations } of train) expect(conversations.length).toBe(2 * kinds.length);
    for (const { kind } of heldout) expect(synthKinds).toContain(kind);
    expect(await probeImage(join(root, "a", train[0].image))).toMatchObject({ width: 64, height: 64 });
  });

  test("tells on its card what is in it", async () => {
    const card = await readJson("a", "dataset.json");
    const heldout = await readJson("a", "heldout.json");
    const bytes = await readFile(join(root, "a", "heldout.json"));

    expect(card.recipe).toEqual({ count: 40, heldout: 8, seed: 3, size: 64, questions: 5 });
    expect(Object.values<number>(card.questions.heldout).reduce((a, b) => a + b)).toBe(heldout.length);
    expect(card.files["heldout.json"]).toEqual({ bytes: bytes.length, sha256: sha256(bytes) });
    expect(await readFile(join(root, "a", "README.md"), "utf8")).toContain("MIT");
  });

  test("writes into an empty folder, and into one with any name", async () => {
    const out = join(root, "пусто 空", "名 前");
    await mkdir(out, { recursive: true });
    await synthesize({ out, count: 1, heldout: 0, size: 32 });

    expect(JSON.parse(await readFile(join(out, "heldout.json"), "utf8"))).toEqual([]);
    expect(await readdir(join(root, "пусто 空"))).toEqual(["名 前"]);
  });
});

describe("synthesize refuses", () => {
  test.each([
    ["count", { count: 0 }],
    ["count", { count: 1.5 }],
    ["count", { count: 1_000_000 }],
    ["heldout", { heldout: -1 }],
    ["seed", { seed: -1 }],
    ["questions", { questions: 0 }],
    ["questions", { questions: 99 }],
    ["size", { size: 8 }],
  ])("a wrong %s", async (at, wrong) => {
    const out = join(root, "refused");

    await expect(synthesize({ out, count: 2, ...wrong })).rejects.toMatchObject({ code: "OPTION_INVALID", at });
    await expect(readdir(out)).rejects.toThrow("ENOENT");
  });

  test("a folder with something in it, and leaves that alone", async () => {
    const out = join(root, "full");
    await mkdir(out);
    await writeFile(join(out, "mine.txt"), "mine");

    await expect(synthesize({ out, count: 2 })).rejects.toMatchObject({
      code: "WRITE_FAILED",
      message: expect.stringContaining("mine.txt"),
    });
    expect(await readdir(out)).toEqual(["mine.txt"]);
  });

  test("a file in the place of the folder or of its parent", async () => {
    const file = join(root, "file");
    await writeFile(file, "x");

    await expect(synthesize({ out: file, count: 2 })).rejects.toMatchObject({ code: "WRITE_FAILED" });
    await expect(synthesize({ out: join(file, "below"), count: 2 })).rejects.toMatchObject({ code: "WRITE_FAILED" });
  });

  test.skipIf(process.platform === "win32" || process.getuid?.() === 0)("a parent that is read-only", async () => {
    const parent = join(root, "read-only");
    await mkdir(parent);
    await chmod(parent, 0o500);

    await expect(synthesize({ out: join(parent, "out"), count: 2 })).rejects.toMatchObject({ code: "WRITE_FAILED" });
    await chmod(parent, 0o700);
  });
});

describe("synthesize leaves nothing behind", () => {
  test("when it is stopped", async () => {
    const before = await readdir(root);
    const controller = new AbortController();
    const stopped = synthesize({
      out: join(root, "new", "parents", "stopped"),
      count: 1000,
      signal: controller.signal,
      onProgress: (done) => done === 20 && controller.abort(),
    });

    await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
    expect(await readdir(root)).toEqual(before);
  });

  test("when it was stopped before it began", async () => {
    const before = await readdir(root);

    await expect(synthesize({ out: join(root, "never"), count: 1, signal: AbortSignal.abort() })).rejects.toMatchObject(
      { code: "ABORTED" },
    );
    expect(await readdir(root)).toEqual(before);
  });

  const { missing } = SmallDisk;

  test.skipIf(missing)(`when the disk is full${missing ? ` (${missing})` : ""}`, async () => {
    const disk = SmallDisk.mount(join(root, "disk"), 2 ** 18);
    const full = (name: string) => ({
      code: "WRITE_FAILED",
      message: expect.stringMatching(`^${disk.path}/\\.out.*/${name}: expected .*, got no space left on device`),
      hint: "Free some space on the disk, or write to another one.",
    });
    try {
      // Pictures fill it by themselves; its text files are buffered, and begin to be written after 2 ** 16 characters.
      await expect(synthesize({ out: join(disk.path, "out"), count: 500 })).rejects.toMatchObject(full("images/.*"));
      expect(await readdir(disk.path)).toEqual([]);

      const onProgress = (done: number) => done === 20 && disk.fillNow();
      const few = synthesize({ out: join(disk.path, "out"), count: 20, heldout: 0, size: 32, onProgress });
      await expect(few).rejects.toMatchObject(full("\\w+\\.jsonl?"));
      expect(await readdir(disk.path)).toEqual(["ballast"]);
    } finally {
      disk.unmount();
    }
  });
});

test("a synthesis names what a killed one has left, and lets it be", async () => {
  const left = join(root, `.killed.${spawnSync(process.execPath, ["--version"]).pid}-0123abcd.partial`);
  await mkdir(left);
  const warnings: string[] = [];
  const onWarning = (message: string) => warnings.push(message);
  await synthesize({ out: join(root, "killed"), count: 1, heldout: 0, size: 32, onWarning });

  expect(warnings).toEqual([expect.stringContaining(`${left}: left by a synthesis that was killed`)]);
  expect(await readdir(left)).toEqual([]);
});
