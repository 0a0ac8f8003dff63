import { arch, availableParallelism, cpus, freemem, platform, totalmem } from "node:os";
import { type EngineReport, FusionError } from "@fusion-vlm/core";
import { type DoctorCheck, formatBytes, type LoadedConfig, resolveSettings } from "@fusion-vlm/plugin-kit";

/** Everything `fusion doctor` found; `ok` when no check is a problem. */
export interface DoctorReport {
  readonly ok: boolean;
  readonly checks: readonly DoctorCheck[];
}

/** What the diagnosis asks; commands wire the real ones. */
export interface DoctorProbes {
  probeEngines(): Promise<EngineReport>;
  /** Throws when sharp does not load. */
  sharpVersion(): string;
  loadConfig(): Promise<LoadedConfig>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Checks of other command packages, appended as they are. */
  readonly packageChecks?: readonly DoctorCheck[];
}

const oldestNode = { major: 20, minor: 19 };

const engineHints = {
  cpu: "Install @fusion-vlm/core again on this machine: the engine's binary is for another platform or incomplete.",
  webgpu: "Optional. Needs a GPU with a Vulkan (Linux), Metal (macOS) or Direct3D 12 (Windows) driver.",
  cuda: "Optional, for Linux on x64 with an NVIDIA GPU and CUDA 12. Install onnxruntime-node with ONNXRUNTIME_NODE_INSTALL=cuda12.",
};

/** Looks at the machine. Finds problems; throws none of them. */
export async function diagnose(probes: DoctorProbes): Promise<DoctorReport> {
  const checks = [
    nodeCheck(process.versions.node),
    ...machineChecks(),
    ...engineChecks(await probes.probeEngines()),
    sharpCheck(probes.sharpVersion),
    ...(await configChecks(probes)),
    ...(probes.packageChecks ?? []),
  ];
  return { ok: checks.every(({ status }) => status !== "problem"), checks };
}

/** Whether this Node is one that the packages are made for. */
export function nodeCheck(version: string): DoctorCheck {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isRecent = major > oldestNode.major || (major === oldestNode.major && minor >= oldestNode.minor);
  const required = `${oldestNode.major}.${oldestNode.minor}`;
  return {
    name: "node",
    status: isRecent ? "ok" : "problem",
    value: version,
    ...(!isRecent && { hint: `Install Node ${required} or newer.` }),
    details: { version, required: `>=${required}` },
  };
}

function machineChecks(): DoctorCheck[] {
  const model = cpus()[0]?.model.trim() || "unknown processor";
  const threads = availableParallelism();
  const [total, free] = [totalmem(), freemem()];
  return [
    {
      name: "platform",
      status: "ok",
      value: `${platform()} ${arch()}`,
      details: { platform: platform(), arch: arch() },
    },
    { name: "cpu", status: "ok", value: `${model}, ${threads} threads`, details: { model, threads } },
    {
      name: "memory",
      status: "ok",
      value: `${formatBytes(total)}, ${formatBytes(free)} free`,
      details: { totalBytes: total, freeBytes: free },
    },
  ];
}

function engineChecks({ version, engines }: EngineReport): DoctorCheck[] {
  const runtime: DoctorCheck = version
    ? { name: "onnxruntime-node", status: "ok", value: version, details: { version } }
    : { name: "onnxruntime-node", status: "problem", value: "does not load", hint: engineHints.cpu };
  return [
    runtime,
    ...engines.map(({ device, available, reason }): DoctorCheck => {
      const details = { device, available, ...(reason !== undefined && { reason }) };
      if (available) return { name: `engine ${device}`, status: "ok", value: "starts", details };
      // Only the CPU engine is a must.
      const status = device === "cpu" ? "problem" : "info";
      return {
        name: `engine ${device}`,
        status,
        value: `does not start: ${reason}`,
        hint: engineHints[device],
        details,
      };
    }),
  ];
}

function sharpCheck(sharpVersion: () => string): DoctorCheck {
  try {
    const version = sharpVersion();
    return { name: "sharp", status: "ok", value: version, details: { version } };
  } catch (error) {
    const reason = (error as Error).message.trim().split("\n")[0]!;
    const hint =
      "Install sharp again on this machine, with its optional dependencies: npm install --include=optional sharp.";
    return { name: "sharp", status: "problem", value: `does not load: ${reason}`, hint, details: { reason } };
  }
}

async function configChecks({ loadConfig, env }: DoctorProbes): Promise<DoctorCheck[]> {
  try {
    const loaded = await loadConfig();
    const { model } = resolveSettings({ flags: {}, env, loaded });
    return [
      { name: "config", status: "ok", value: loaded.file ?? "none (defaults)", details: { file: loaded.file ?? null } },
      { name: "model", status: "ok", value: `${model.value} (${model.source})`, details: { ...model } },
    ];
  } catch (error) {
    if (!FusionError.isInstance(error)) throw error;
    return [{ name: "config", status: "problem", value: error.message, hint: error.hint, details: error.details }];
  }
}
