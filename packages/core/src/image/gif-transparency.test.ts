import { describe, expect, it } from "vitest";
import { withoutGifTransparency } from "./gif-transparency.ts";

const header = [...Buffer.from("GIF89a"), 2, 0, 1, 0, 0x80, 0, 0];
const palette = [10, 20, 30, 200, 100, 50];
const comment = [0x21, 0xfe, 2, 104, 105, 1, 33, 0];
const control = (flags: number) => [0x21, 0xf9, 4, flags, 0, 0, 0, 0];
const frame = [0x2c, 0, 0, 0, 0, 2, 0, 1, 0, 0];

describe("withoutGifTransparency", () => {
  it("clears the flag of the first frame in a copy, past palette and comments", () => {
    const gif = Uint8Array.from([...header, ...palette, ...comment, ...control(0b1001), ...frame]);
    const before = gif.slice();

    const cleared = withoutGifTransparency(gif);

    expect(cleared).toEqual(Uint8Array.from([...header, ...palette, ...comment, ...control(0b1000), ...frame]));
    expect(gif).toEqual(before);
  });

  it("copies a Buffer too", () => {
    const gif = Buffer.from([...header, ...palette, ...control(1), ...frame]);

    withoutGifTransparency(gif);

    expect(gif[header.length + palette.length + 3]).toBe(1);
  });

  it("returns an opaque GIF as it is, and leaves later frames alone", () => {
    const gif = Uint8Array.from([...header, ...palette, ...control(0), ...frame, ...control(1)]);

    expect(withoutGifTransparency(gif)).toBe(gif);
  });

  it("ends at the end of truncated bytes", () => {
    const gif = Uint8Array.from([...header, ...palette, 0x21, 0xfe, 200, 1, 2]);

    expect(withoutGifTransparency(gif)).toBe(gif);
  });
});
