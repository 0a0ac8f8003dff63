import { availableParallelism } from "node:os";
import { expect, it } from "vitest";
import { nodeBackend } from "./node-backend-node.ts";

const most = 4 * availableParallelism();

it("says why auto takes the CPU", async () => {
  const backend = await nodeBackend({ worker: false });

  expect(backend.device).toBe("cpu");
  expect(backend.reason).toBe("auto takes cpu; ask for webgpu or cuda by name");
  await backend.dispose();
});

it("says that a device was asked for", async () => {
  const backend = await nodeBackend({ device: "cpu", worker: false });

  expect(backend.reason).toBe("cpu was asked for");
  await backend.dispose();
});

it.each([
  [{ device: "tpu" as "cpu" }, "device: expected one of auto, cpu, webgpu, cuda, got tpu"],
  [{ threads: 0 }, `threads: expected a whole number from 1 to ${most}, four for each processor, got 0`],
  [{ threads: 1.5 }, `threads: expected a whole number from 1 to ${most}, four for each processor, got 1.5`],
  [{ threads: 5000 }, `threads: expected a whole number from 1 to ${most}, four for each processor, got 5000`],
])("refuses %o", async (options, message) => {
  await expect(nodeBackend(options)).rejects.toMatchObject({ code: "OPTION_INVALID", message });
});
