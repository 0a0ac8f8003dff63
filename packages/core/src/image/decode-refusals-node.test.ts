import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import { decodeImage, probeImage } from "./decode-node.ts";
import { noise, testPng } from "./pictures-for-tests.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fusion-image-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function failure(promise: Promise<unknown>): Promise<FusionError> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  if (!FusionError.isInstance(error)) throw new Error(`no FusionError: ${error}`);
  return error;
}

describe("decodeImage refuses", () => {
  it("a missing file by name", async () => {
    const path = join(folder, "nothing.png");

    const error = await failure(decodeImage(path));

    expect(error.code).toBe("IMAGE_NOT_FOUND");
    expect(error.message).toBe(`${path}: expected a JPEG, PNG, WebP, GIF or AVIF picture, got no such file`);
  });

  it("a URL without fetching it", async () => {
    const error = await failure(decodeImage("https://example.com/photo.jpg"));

    expect(error.code).toBe("IMAGE_NOT_FOUND");
    expect(error.hint).toMatch(/not fetched/);
  });

  it("a picture pasted as text, in one short line", async () => {
    const error = await failure(decodeImage(`data:image/png;base64,${"A".repeat(100_000)}`));

    expect(error.code).toBe("IMAGE_NOT_FOUND");
    expect(error.message.length).toBeLessThan(400);
  });

  it.each([
    ["a directory", () => folder, "got a directory"],
    ["a device", () => "/dev/zero", "got a device, pipe or socket"],
    ["no bytes", () => new Uint8Array(0), "image bytes: expected a JPEG, PNG, WebP, GIF or AVIF picture, got no bytes"],
    ["something else", () => 42 as unknown as string, "expected a file path or the bytes of a picture, got number"],
    ["a path with a NUL", () => "a\0b.png", "expected a readable file, got ERR_INVALID_ARG_VALUE"],
    ["SVG", () => Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"), "got an SVG drawing"],
    ["a PDF", () => Buffer.from("%PDF-1.4\n"), "got a PDF document"],
    [
      "an SVG behind JPEG's magic",
      () => Buffer.concat([Buffer.from("ffd8ff", "hex"), Buffer.from("<svg/>")]),
      "truncated or corrupt",
    ],
    ["a JPEG's first bytes only", () => Buffer.from("ffd8ff", "hex"), "expected a complete JPEG picture"],
  ])("%s", async (_, source, message) => {
    const error = await failure(decodeImage(source()));

    expect(error.code).toBe("IMAGE_INVALID");
    expect(error.message).toContain(message);
  });

  it("TIFF, although sharp could read it", async () => {
    const tiff = await noise(4, 4).tiff().toBuffer();

    expect((await failure(decodeImage(tiff))).message).toContain("got a TIFF picture");
  });

  it("an empty file", async () => {
    const path = join(folder, "empty.png");
    writeFileSync(path, "");

    expect((await failure(decodeImage(path))).message).toBe(
      `${path}: expected a JPEG, PNG, WebP, GIF or AVIF picture, got an empty file`,
    );
  });

  const encoders = {
    JPEG: () => noise(100, 100).jpeg(),
    "progressive JPEG": () => noise(100, 100).jpeg({ progressive: true }),
    PNG: () => noise(100, 100).png(),
    WebP: () => noise(100, 100).webp(),
    GIF: () => noise(100, 100).gif(),
    AVIF: () => noise(100, 100).avif(),
  };

  it.each(Object.entries(encoders))("a truncated %s at any place, in one line", async (name, make) => {
    const whole = await make().toBuffer();
    for (const share of [0.02, 0.3, 0.6, 0.95]) {
      const error = await failure(decodeImage(whole.subarray(0, Math.max(16, Math.floor(whole.length * share)))));

      expect(error.code).toBe("IMAGE_INVALID");
      expect(error.message).toMatch(
        /^image bytes: expected a complete (JPEG|PNG|WebP|GIF|AVIF) picture, got truncated or corrupt data/,
      );
      expect(error.message).toContain(name.split(" ").at(-1));
      expect(error.message).not.toMatch(/\n|bad seek|Input buffer/);
    }
  });

  it("a PNG with damaged pixels", async () => {
    const png = Buffer.from(await noise(100, 100).png().toBuffer());
    png.fill(0x5a, png.length >> 1, (png.length >> 1) + 20);

    expect((await failure(decodeImage(png))).code).toBe("IMAGE_INVALID");
  });

  it("text, which no converter would help", async () => {
    for (const text of ["not found", "<!doctype html><p>not found", "version https://git-lfs.github.com/spec/v1\n"]) {
      expect((await failure(decodeImage(Buffer.from(text)))).hint).toMatch(
        /^This is text, .*download the picture again\.$/,
      );
    }
  });

  it("more pixels than allowed, from the header alone", async () => {
    const png = testPng({ width: 60_000, height: 60_000, bitDepth: 8, colourType: 2, rows: [[0, 0, 0]] });

    const error = await failure(decodeImage(png));

    expect(error.code).toBe("IMAGE_TOO_LARGE");
    expect(error.message).toBe("image bytes: expected at most 100000000 pixels, got 60000×60000 = 3600000000");
    expect(error.hint).toBe("Make the picture smaller.");
  });

  it("a side that is longer than allowed, however few the pixels", async () => {
    const png = testPng({ width: 70_000, height: 1, bitDepth: 8, colourType: 2, rows: [[0, 0, 0]] });

    const error = await failure(decodeImage(png));

    expect(error.code).toBe("IMAGE_TOO_LARGE");
    expect(error.message).toBe("image bytes: expected sides of at most 65535 pixels, got 70000×1");
  });

  it("more bytes than allowed, in memory and on disk", async () => {
    const png = await noise(20, 20).png().toBuffer();
    const path = join(folder, "heavy.png");
    writeFileSync(path, png);

    for (const source of [png, path]) {
      const error = await failure(decodeImage(source, { maxBytes: png.length - 1 }));
      expect(error.code).toBe("IMAGE_TOO_LARGE");
      expect(error.message).toContain(`expected at most ${png.length - 1} bytes, got ${png.length} bytes`);
    }
    expect(await decodeImage(path, { maxBytes: png.length, maxPixels: 400 })).toMatchObject({ width: 20 });
  });

  it.each([{ maxPixels: 0 }, { maxPixels: Number.NaN }, { maxBytes: -1 }, { maxBytes: 1.5 }])(
    "the limit %o",
    async (limits) => {
      expect((await failure(decodeImage(new Uint8Array(1), limits))).code).toBe("OPTION_INVALID");
    },
  );
});

describe("probeImage", () => {
  it("tells format and size from the header", async () => {
    const png = await noise(20, 10).png().toBuffer();

    expect(await probeImage(png)).toEqual({ format: "PNG", width: 20, height: 10 });
  });

  it("refuses what its header gives away, and lets pass what only decoding finds", async () => {
    const jpeg = await noise(64, 64).jpeg().toBuffer();
    const cut = jpeg.subarray(0, jpeg.length - 200);

    expect((await failure(probeImage("nope.png"))).code).toBe("IMAGE_NOT_FOUND");
    expect((await failure(probeImage(Buffer.from("text")))).code).toBe("IMAGE_INVALID");
    expect((await failure(probeImage(jpeg, { maxPixels: 64 }))).code).toBe("IMAGE_TOO_LARGE");
    expect(await probeImage(cut)).toMatchObject({ width: 64, height: 64 });
    expect((await failure(decodeImage(cut))).code).toBe("IMAGE_INVALID");
  });
});
