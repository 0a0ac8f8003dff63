import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import { decodeImage } from "./decode-node.ts";
import { testPng } from "./png-for-tests.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fusion-image-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const raw = (width: number, height: number, channels: 1 | 2 | 3 | 4, data: number[]) =>
  sharp(Uint8Array.from(data), { raw: { width, height, channels } });
const noise = (width: number, height: number) =>
  raw(
    width,
    height,
    3,
    Array.from({ length: width * height * 3 }, (_, index) => (index * 7919) % 251),
  );
const pixels = async (source: string | Uint8Array) => [...(await decodeImage(source)).data];

async function failure(promise: Promise<unknown>): Promise<FusionError> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  if (!FusionError.isInstance(error)) throw new Error(`no FusionError: ${error}`);
  return error;
}

describe("decodeImage reads", () => {
  const fourColours = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30];

  it.each([
    ["PNG", () => raw(2, 2, 3, fourColours).png()],
    ["lossless WebP", () => raw(2, 2, 3, fourColours).webp({ lossless: true })],
    ["GIF", () => raw(2, 2, 3, fourColours).gif()],
    ["lossless AVIF", () => raw(2, 2, 3, fourColours).avif({ lossless: true })],
  ])("%s exactly", async (_, make) => {
    expect(await decodeImage(await make().toBuffer())).toEqual({
      width: 2,
      height: 2,
      data: Uint8Array.from(fourColours),
    });
  });

  it("JPEG within its loss, with chroma interpolated as libjpeg-turbo does by default", async () => {
    const halves = Array.from({ length: 16 * 16 }, (_, index) => (index % 16 < 8 ? [200, 60, 60] : [60, 60, 200]));
    const jpeg = await raw(16, 16, 3, halves.flat()).jpeg({ quality: 100, chromaSubsampling: "4:2:0" }).toBuffer();

    const { data } = await decodeImage(jpeg);

    const red = Array.from({ length: 16 }, (_, x) => data[(8 * 16 + x) * 3]!);
    expect(Math.abs(red[0]! - 200)).toBeLessThanOrEqual(2);
    expect(Math.abs(red[15]! - 60)).toBeLessThanOrEqual(2);
    expect(red[7]).not.toBe(red[6]); // repeated chroma would give equal pairs
  });

  it("a file by its content, whatever its extension", async () => {
    const path = join(folder, "lies.png");
    writeFileSync(path, await noise(20, 10).jpeg().toBuffer());

    expect(await decodeImage(path)).toMatchObject({ width: 20, height: 10 });
  });

  it("the first frame of an animation", async () => {
    const frames = await Promise.all([9, 80].map((level) => raw(1, 1, 3, [level, level, level]).png().toBuffer()));
    const animation = sharp(frames, { join: { animated: true } });

    for (const encoded of [
      await animation.clone().gif().toBuffer(),
      await animation.clone().webp({ lossless: true }).toBuffer(),
    ]) {
      expect((await sharp(encoded).metadata()).pages).toBe(2);
      expect(await decodeImage(encoded)).toEqual({ width: 1, height: 1, data: Uint8Array.of(9, 9, 9) });
    }
  });

  it("a 1×1 picture and a view into a larger buffer", async () => {
    const png = await raw(1, 1, 3, [1, 2, 3]).png().toBuffer();
    const larger = new Uint8Array(png.length + 20).fill(7);
    larger.set(png, 10);

    expect(await pixels(larger.subarray(10, 10 + png.length))).toEqual([1, 2, 3]);
  });
});

describe("decodeImage gives the colours of convert('RGB'):", () => {
  it("alpha is dropped, not blended", async () => {
    const rgba = [10, 20, 30, 0, 100, 150, 200, 128];

    expect(await pixels(testPng({ width: 2, height: 1, bitDepth: 8, colourType: 6, rows: [rgba] }))).toEqual([
      10, 20, 30, 100, 150, 200,
    ]);
    expect(await pixels(await raw(2, 1, 4, rgba).webp({ lossless: true, exact: true }).toBuffer())).toEqual([
      10, 20, 30, 100, 150, 200,
    ]);
    expect(await pixels(await raw(2, 1, 4, rgba).avif({ lossless: true }).toBuffer())).toEqual([
      10, 20, 30, 100, 150, 200,
    ]);
  });

  it("grey is repeated, with and without alpha", async () => {
    const grey = testPng({ width: 2, height: 1, bitDepth: 8, colourType: 0, rows: [[7, 250]] });
    const greyAlpha = testPng({ width: 2, height: 1, bitDepth: 8, colourType: 4, rows: [[7, 0, 250, 128]] });

    expect(await pixels(grey)).toEqual([7, 7, 7, 250, 250, 250]);
    expect(await pixels(greyAlpha)).toEqual([7, 7, 7, 250, 250, 250]);
    const [red, green, blue] = await pixels(await raw(1, 1, 1, [99]).toColourspace("b-w").jpeg().toBuffer());
    expect([green, blue]).toEqual([red, red]);
  });

  it("low bit depths fill the range", async () => {
    const one = testPng({ width: 8, height: 1, bitDepth: 1, colourType: 0, rows: [[0b10100000]] });
    const two = testPng({ width: 4, height: 1, bitDepth: 2, colourType: 0, rows: [[0b00011011]] });

    expect((await pixels(one)).filter((_, index) => index % 3 === 0)).toEqual([255, 0, 255, 0, 0, 0, 0, 0]);
    expect((await pixels(two)).filter((_, index) => index % 3 === 0)).toEqual([0, 85, 170, 255]);
  });

  it("palettes are expanded, transparent entries with their own colour", async () => {
    const png = testPng({
      width: 2,
      height: 1,
      bitDepth: 8,
      colourType: 3,
      rows: [[0, 1]],
      chunks: [
        ["PLTE", [11, 22, 33, 200, 100, 50]],
        ["tRNS", [0, 255]],
      ],
    });

    expect(await pixels(png)).toEqual([11, 22, 33, 200, 100, 50]);
  });

  it("a GIF's transparent pixels keep their palette colour", async () => {
    const gif = Buffer.from("R0lGODlhAQABAIAAAAoUHgAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==", "base64");

    expect((await sharp(gif).raw().toBuffer()).at(3)).toBe(0);
    expect(await pixels(gif)).toEqual([10, 20, 30]);
  });

  it("16-bit samples keep their high byte", async () => {
    const samples = [0x12, 0x80, 0x34, 0xff, 0x56, 0x00];
    const rgb = testPng({ width: 1, height: 1, bitDepth: 16, colourType: 2, rows: [samples] });
    const grey = testPng({ width: 3, height: 1, bitDepth: 16, colourType: 0, rows: [samples] });
    const greyAlpha = testPng({ width: 1, height: 1, bitDepth: 16, colourType: 4, rows: [samples.slice(0, 4)] });

    expect(await pixels(rgb)).toEqual([0x12, 0x34, 0x56]);
    expect(await pixels(grey)).toEqual([0x12, 0x12, 0x12, 0x34, 0x34, 0x34, 0x56, 0x56, 0x56]);
    expect(await pixels(greyAlpha)).toEqual([0x12, 0x12, 0x12]);
  });

  it("10-bit AVIF is scaled to 8", async () => {
    const avif = await raw(64, 64, 3, Array(64 * 64 * 3).fill(77))
      .avif({ lossless: true, bitdepth: 10 })
      .toBuffer();

    expect((await pixels(avif)).every((level) => level === 77)).toBe(true);
  });

  it("colour profiles and gamma are ignored", async () => {
    const { icc } = await sharp(await raw(1, 1, 3, [0, 0, 0]).withIccProfile("p3").png().toBuffer()).metadata();
    const { deflateSync } = await import("node:zlib");
    const row = [200, 30, 90, 0, 255, 0];
    const tagged = testPng({
      width: 2,
      height: 1,
      bitDepth: 8,
      colourType: 2,
      rows: [row],
      chunks: [["iCCP", [...Buffer.from("p3\0\0", "latin1"), ...deflateSync(icc!)]]],
    });
    const gamma = testPng({
      width: 2,
      height: 1,
      bitDepth: 8,
      colourType: 2,
      rows: [row],
      chunks: [["gAMA", [0, 1, 0x86, 0xa0]]],
    });

    expect([...(await sharp(tagged).raw().toBuffer())]).not.toEqual(row); // sharp alone would convert
    expect(await pixels(tagged)).toEqual(row);
    expect(await pixels(gamma)).toEqual(row);
    const jpeg = await noise(16, 16).jpeg().toBuffer();
    const taggedJpeg = withIccSegment(jpeg, icc!);
    expect(await sharp(taggedJpeg).raw().toBuffer()).not.toEqual(await sharp(jpeg).raw().toBuffer());
    expect(await pixels(taggedJpeg)).toEqual(await pixels(jpeg));
  });

  it("CMYK JPEG is read with Adobe's polarity and converted naively, marked or not", async () => {
    const white = Array(64 * 3).fill(255);
    const jpeg = await raw(8, 8, 3, white).toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer();
    const marker = jpeg.indexOf(Buffer.from([0xff, 0xee]));
    const unmarked = Buffer.concat([
      jpeg.subarray(0, marker),
      jpeg.subarray(marker + 2 + jpeg.readUInt16BE(marker + 2)),
    ]);

    expect((await sharp(jpeg).metadata()).space).toBe("cmyk");
    expect(await pixels(jpeg)).toEqual(white);
    expect(await pixels(unmarked)).toEqual(white);

    const colours = await raw(8, 8, 3, Array(64).fill([200, 30, 90]).flat())
      .toColourspace("cmyk")
      .jpeg({ quality: 100 })
      .toBuffer();
    const inks = await sharp(colours, { ignoreIcc: true })
      .pipelineColourspace("cmyk")
      .toColourspace("cmyk")
      .raw()
      .toBuffer();
    const light = 255 - inks[3]!;
    const naive = [0, 1, 2].map((channel) => light - Math.round((inks[channel]! * light) / 255));
    expect((await pixels(colours)).slice(0, 3)).toEqual(naive);
  });
});

describe("decodeImage and EXIF orientation:", () => {
  const turned = () => raw(2, 1, 3, [0, 0, 0, 255, 255, 255]).withMetadata({ orientation: 6 }).png().toBuffer();

  it("ignores it as Pillow does", async () => {
    expect(await decodeImage(await turned())).toMatchObject({ width: 2, height: 1 });
  });

  it("follows it when asked", async () => {
    const { width, height, data } = await decodeImage(await turned(), { autoOrient: true });

    expect([width, height]).toEqual([1, 2]);
    expect([...data]).toEqual([0, 0, 0, 255, 255, 255]);
  });

  it("mirrors as well as turns", async () => {
    const mirrored = await raw(2, 1, 3, [1, 1, 1, 9, 9, 9]).withMetadata({ orientation: 2 }).png().toBuffer();

    expect([...(await decodeImage(mirrored, { autoOrient: true })).data]).toEqual([9, 9, 9, 1, 1, 1]);
  });
});

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

  it("more pixels than allowed, from the header alone", async () => {
    const png = testPng({ width: 60_000, height: 60_000, bitDepth: 8, colourType: 2, rows: [[0, 0, 0]] });

    const error = await failure(decodeImage(png));

    expect(error.code).toBe("IMAGE_TOO_LARGE");
    expect(error.message).toBe("image bytes: expected at most 100000000 pixels, got 60000×60000 = 3600000000");
    expect(error.hint).toContain("maxPixels");
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

/** The same JPEG with an ICC profile segment in front: equal pixels, another claim about their colour. */
function withIccSegment(jpeg: Buffer, icc: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from("ICC_PROFILE\0\x01\x01", "latin1"), icc]);
  const head = Buffer.from([0xff, 0xe2, (body.length + 2) >> 8, (body.length + 2) & 0xff]);
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)]);
}
