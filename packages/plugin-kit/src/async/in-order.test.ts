import { expect, test } from "vitest";
import { inOrder } from "./in-order.ts";

const wait = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const result of results) all.push(result);
  return all;
}

test("keeps the order though later work ends earlier, and never does more at once than it may", async () => {
  let underWay = 0;
  let most = 0;
  const results = inOrder([30, 1, 20, 1, 10], 3, async (milliseconds) => {
    most = Math.max(most, ++underWay);
    await wait(milliseconds);
    underWay--;
    return milliseconds;
  });

  expect(await collect(results)).toEqual([30, 1, 20, 1, 10]);
  expect(most).toBe(3);
});

test("waits for what was started before it fails", async () => {
  const ended: number[] = [];
  const results = inOrder([1, 2, 3, 4, 5], 3, async (input) => {
    if (input === 2) throw new Error("two");
    await wait(5 * input);
    ended.push(input);
    return input;
  });

  await expect(collect(results)).rejects.toThrow("two");
  expect(ended).toEqual([1, 3, 4]);
});
