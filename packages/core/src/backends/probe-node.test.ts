import { expect, test } from "vitest";
import { probeEngines } from "./probe-node.ts";

test("the CPU engine starts, and every engine that does not says why", async () => {
  const { version, engines } = await probeEngines();

  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  expect(engines.map(({ device }) => device)).toEqual(["cpu", "webgpu", "cuda"]);
  expect(engines[0]).toEqual({ device: "cpu", available: true });
  for (const { available, reason } of engines) {
    if (available) expect(reason).toBeUndefined();
    // A sentence for people, not a C++ location.
    else expect(reason).toMatch(/^[^/\n]+/);
  }
});
