import { crc32, deflateSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";

/** A picture of exactly these 8-bit samples, to be encoded by sharp. */
export function raw(width: number, height: number, channels: 1 | 2 | 3 | 4, data: number[]): Sharp {
  return sharp(Uint8Array.from(data), { raw: { width, height, channels } });
}

/** A picture that compresses badly, so that cutting its encoding anywhere cuts pixels. */
export function noise(width: number, height: number): Sharp {
  return raw(
    width,
    height,
    3,
    Array.from({ length: width * height * 3 }, (_, index) => (index * 7919) % 251),
  );
}

export interface TestPng {
  width: number;
  height: number;
  bitDepth: 1 | 2 | 4 | 8 | 16;
  /** 0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGBA. */
  colourType: 0 | 2 | 3 | 4 | 6;
  /** Packed rows as the format stores them, without filter bytes. */
  rows: number[][];
  /** Chunks between header and pixels: PLTE, tRNS, gAMA … */
  chunks?: [type: string, data: Uint8Array | number[]][];
}

/** A PNG of exactly these samples: an encoder that never quantises, premultiplies or drops a chunk, for tests only. */
export function testPng({ width, height, bitDepth, colourType, rows, chunks = [] }: TestPng): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bitDepth, colourType, 0, 0, 0], 8);
  const pixels = deflateSync(Buffer.from(rows.flatMap((row) => [0, ...row])));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    ...chunks.map(([type, data]) => chunk(type, data)),
    chunk("IDAT", pixels),
    chunk("IEND", []),
  ]);
}

function chunk(type: string, data: Uint8Array | number[]): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), Buffer.from(data)]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  out.set(body, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
