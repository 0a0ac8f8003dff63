import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodeImage } from "./decode-node.ts";
import { noise, raw, testPng } from "./pictures-for-tests.ts";

const pixels = async (source: string | Uint8Array) => [...(await decodeImage(source)).data];

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

/** The same JPEG with an ICC profile segment in front: equal pixels, another claim about their colour. */
function withIccSegment(jpeg: Buffer, icc: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from("ICC_PROFILE\0\x01\x01", "latin1"), icc]);
  const head = Buffer.from([0xff, 0xe2, (body.length + 2) >> 8, (body.length + 2) & 0xff]);
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)]);
}
