import { expect, test } from "vitest";
import { pictureUri } from "./picture-uri.ts";

test.each([
  ["image/png", "\x89PNG\r\n\x1a\nrest"],
  ["image/jpeg", "\xff\xd8\xff\xe0rest"],
  ["image/gif", "GIF89arest"],
  ["image/webp", "RIFF\x04\x00\x00\x00WEBPrest"],
])("%s is known by its first bytes", (type, text) => {
  const bytes = Buffer.from(text, "latin1");

  expect(pictureUri(bytes)).toBe(`data:${type};base64,${bytes.toString("base64")}`);
});

test.each(["<svg xmlns='http://www.w3.org/2000/svg'/>", "<html>", ""])("%j is refused", (text) => {
  expect(() => pictureUri(Buffer.from(text), "sample 3")).toThrow(/^sample 3: expected the bytes of a PNG/);
});
