import { expect, test } from "vitest";
import { readAllBytes } from "./read-all-bytes.ts";

test("puts the pieces together", async () => {
  async function* pieces() {
    yield Uint8Array.of(1, 2);
    yield Uint8Array.of(3);
  }

  expect([...(await readAllBytes(pieces()))]).toEqual([1, 2, 3]);
});

test("stops reading a stream that does not end, past what a picture may have", async () => {
  let pieces = 0;
  async function* endless() {
    const piece = new Uint8Array(40 * 2 ** 20);
    for (;;) {
      pieces++;
      yield piece;
    }
  }

  expect((await readAllBytes(endless())).length).toBeGreaterThan(100 * 2 ** 20);
  expect(pieces).toBe(3);
});
