import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { probeImage } from "@fusion-vlm/core";
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
    expect(card.generatorVersion).toBe(1);
    expect(card.files["scenes.jsonl"]?.sha256).toBe("5be1861b6723e5ce51c8aff84b825fa2df3945708a9b9b803456c521478cb8b5");
    expect(card.files["train.json"]?.sha256).toBe("261036dde3f2bcde5861a94599e210fbc52bf7cd0d797e9ccc1811ce272c314f");
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

  test("when the disk is full", async ({ skip }) => {
    const disk = join(root, "disk");
    await mkdir(disk);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], { stdio: "ignore" });
    } catch {
      skip("a small file system cannot be mounted here");
    }
    try {
      await expect(synthesize({ out: join(disk, "out"), count: 500 })).rejects.toMatchObject({
        code: "WRITE_FAILED",
        hint: expect.stringContaining("space"),
      });
      expect(await readdir(disk)).toEqual([]);
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});
