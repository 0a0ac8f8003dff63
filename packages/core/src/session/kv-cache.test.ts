import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend, type StateTensor } from "../backends/index-node.ts";
import { pastKeyName, pastValueName } from "../fusion/index.ts";
import { tinyConfig } from "../testing/index.ts";
import { KeyValueCache } from "./kv-cache.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, threads: 1 });
});
afterAll(() => backend.dispose());

const { language } = tinyConfig();

/** Capacities of all states, keys along their last axis, values along the one before. */
function capacities(cache: KeyValueCache): number[] {
  const feeds = cache.feeds();
  return Array.from({ length: language.layers }).flatMap((_, layer) => [
    (feeds[pastKeyName(layer)] as StateTensor).shape[3]!,
    (feeds[pastValueName(layer)] as StateTensor).shape[2]!,
  ]);
}

describe("KeyValueCache", () => {
  it("grows in steps, all layers alike, only when rows do not fit", async () => {
    const cache = await KeyValueCache.allocate(backend, language, 10);
    cache.advance(8);
    await cache.reserve(2);
    expect(cache.capacity).toBe(10);

    await cache.reserve(3);

    expect(new Set(capacities(cache))).toEqual(new Set([256]));
    expect([cache.capacity, cache.length]).toEqual([256, 8]);
    await cache.dispose();
  });

  it("forgets rows and never gains any by truncating", async () => {
    const cache = await KeyValueCache.allocate(backend, language, 10);
    cache.advance(8);
    cache.truncate(9);
    expect(cache.length).toBe(8);

    cache.truncate(3);

    expect(cache.length).toBe(3);
    expect([...(cache.feeds().past_lengths as { data: BigInt64Array }).data]).toEqual([3n]);
    await cache.dispose();
  });

  it("that finds no memory says so and can be used on", async () => {
    const cache = await KeyValueCache.allocate(backend, language, 10);
    await expect(cache.reserve(1e13)).rejects.toMatchObject({ code: "BACKEND_FAILED", at: "state" });
    await expect(KeyValueCache.allocate(backend, language, 1e13)).rejects.toMatchObject({ code: "BACKEND_FAILED" });

    await cache.reserve(5);

    expect(new Set(capacities(cache)).size).toBe(1);
    await cache.dispose();
  });
});
