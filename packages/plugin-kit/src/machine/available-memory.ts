import { readFileSync } from "node:fs";
import { freemem } from "node:os";
import { dirname, join } from "node:path";

/** Where the numbers come from; others are for tests. */
export interface MemorySources {
  readonly platform: NodeJS.Platform;
  /** Contents of a file; throws where there is none. */
  readonly read: (path: string) => string;
  /** What is free where the platform says no more. */
  readonly free: () => number;
  /** What this process holds already. */
  readonly held: () => number;
}

const machine: MemorySources = {
  platform: process.platform,
  read: (path) => readFileSync(path, "utf8"),
  free: freemem,
  held: () => process.memoryUsage.rss(),
};

/**
 * Bytes that this process may hold in all, without swapping: what it has, and what it can still get.
 *
 * On Linux that is `MemAvailable` (caches that the kernel would give back included), and no more than the limits of the control
 * groups that the process is in, as containers set them (versions 1 and 2). Elsewhere it is what the system calls free.
 */
export function availableMemory(sources: MemorySources = machine): number {
  const { platform, free, held } = sources;
  if (platform !== "linux") return held() + free();
  const left = [systemMemory(sources) ?? free(), ...groupLimits(sources)];
  return held() + Math.max(0, Math.min(...left));
}

function systemMemory(sources: MemorySources): number | undefined {
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(contents(sources, "/proc/meminfo") ?? "")?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/** What each control group above this process leaves; none where there are no limits. */
function groupLimits(sources: MemorySources): number[] {
  const groups = (contents(sources, "/proc/self/cgroup") ?? "").split("\n").map((line) => line.split(":"));
  return groups.flatMap(([id, controllers = "", ...rest]) => {
    const path = rest.join(":");
    if (id === "0" && controllers === "")
      return limitsUp(sources, "/sys/fs/cgroup", path, {
        limit: "memory.max",
        used: "memory.current",
        cache: "inactive_file",
      });
    if (!controllers.split(",").includes("memory")) return [];
    return limitsUp(sources, "/sys/fs/cgroup/memory", path, {
      limit: "memory.limit_in_bytes",
      used: "memory.usage_in_bytes",
      cache: "total_inactive_file",
    });
  });
}

interface GroupFiles {
  readonly limit: string;
  readonly used: string;
  /** Key of memory.stat for file contents that the kernel gives back first. */
  readonly cache: string;
}

/** A group is bound by those that it lies in. Inside a container its own path may not be there, and the root is its own. */
function limitsUp(sources: MemorySources, root: string, path: string, { limit, used, cache }: GroupFiles): number[] {
  const left: number[] = [];
  for (let group = path; ; group = dirname(group)) {
    const folder = join(root, group);
    const most = Number(contents(sources, join(folder, limit)) ?? Number.NaN); // "max" is no number
    const now = Number(contents(sources, join(folder, used)) ?? Number.NaN);
    const stat = contents(sources, join(folder, "memory.stat")) ?? "";
    const cached = Number(new RegExp(`^${cache} (\\d+)$`, "m").exec(stat)?.[1] ?? 0);
    if (Number.isFinite(most) && Number.isFinite(now)) left.push(most - Math.max(0, now - cached));
    if (group === "/" || group === "." || group === "") return left;
  }
}

function contents({ read }: MemorySources, path: string): string | undefined {
  try {
    return read(path);
  } catch {
    return undefined; // not on this system, or not for this user: then it limits nothing
  }
}
