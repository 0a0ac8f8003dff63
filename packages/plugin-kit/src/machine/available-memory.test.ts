import { totalmem } from "node:os";
import { describe, expect, test } from "vitest";
import { availableMemory, type MemorySources } from "./available-memory.ts";

const MiB = 1024 ** 2;

function machine(files: Record<string, string>, platform: NodeJS.Platform = "linux"): MemorySources {
  const read = (path: string) => {
    const contents = files[path];
    if (contents === undefined) throw new Error(`ENOENT ${path}`);
    return contents;
  };
  return { platform, read, free: () => 100 * MiB, held: () => 50 * MiB };
}

const meminfo = "MemTotal:       8388608 kB\nMemFree:         524288 kB\nMemAvailable:    4194304 kB\n";

describe("availableMemory", () => {
  test("is what Linux has to give, besides what the process holds", () => {
    expect(availableMemory(machine({ "/proc/meminfo": meminfo }))).toBe((4096 + 50) * MiB);
  });

  test("is no more than the control group leaves, caches not counted", () => {
    const files = {
      "/proc/meminfo": meminfo,
      "/proc/self/cgroup": "0::/box/inner\n",
      "/sys/fs/cgroup/box/inner/memory.max": "max\n",
      "/sys/fs/cgroup/box/inner/memory.current": `${300 * MiB}\n`,
      "/sys/fs/cgroup/box/memory.max": `${1024 * MiB}\n`,
      "/sys/fs/cgroup/box/memory.current": `${500 * MiB}\n`,
      "/sys/fs/cgroup/box/memory.stat": `anon 5\ninactive_file ${100 * MiB}\n`,
    };

    expect(availableMemory(machine(files))).toBe((1024 - 400 + 50) * MiB);
  });

  test("knows the root of a container's own groups", () => {
    const files = {
      "/proc/meminfo": meminfo,
      "/proc/self/cgroup": "0::/docker/abc\n",
      "/sys/fs/cgroup/memory.max": `${200 * MiB}`,
      "/sys/fs/cgroup/memory.current": `${150 * MiB}`,
    };

    expect(availableMemory(machine(files))).toBe((50 + 50) * MiB);
  });

  test("reads limits of version 1", () => {
    const files = {
      "/proc/meminfo": meminfo,
      "/proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/x\n",
      "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": `${700 * MiB}`,
      "/sys/fs/cgroup/memory/x/memory.usage_in_bytes": `${200 * MiB}`,
    };

    expect(availableMemory(machine(files))).toBe((500 + 50) * MiB);
  });

  test("is what the system calls free elsewhere", () => {
    expect(availableMemory(machine({ "/proc/meminfo": meminfo }, "darwin"))).toBe(150 * MiB);
    expect(availableMemory(machine({}))).toBe(150 * MiB);
  });

  test("is a plausible number on this machine", () => {
    expect(availableMemory()).toBeGreaterThan(10 * MiB);
    expect(availableMemory()).toBeLessThan(2 * totalmem());
  });
});
