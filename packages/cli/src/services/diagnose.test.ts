import { FusionError } from "@fusion-vlm/core";
import { describe, expect, test } from "vitest";
import { type DoctorProbes, diagnose, nodeCheck } from "./diagnose.ts";

const healthy: DoctorProbes = {
  probeEngines: async () => ({
    version: "1.30.0",
    engines: [
      { device: "cpu", available: true },
      { device: "webgpu", available: false, reason: "no adapter" },
      { device: "cuda", available: false, reason: "no library" },
    ],
  }),
  sharpVersion: () => "0.35.5",
  loadConfig: async () => ({ file: "/app/fusion.config.ts", config: { model: "/models/mine" } }),
  env: {},
};

async function check(name: string, probes: Partial<DoctorProbes>) {
  const report = await diagnose({ ...healthy, ...probes });
  return { ok: report.ok, check: report.checks.find((one) => one.name === name) };
}

describe("a machine with the CPU engine only", () => {
  test("is fine: absent accelerators are facts, with their reasons", async () => {
    expect(await check("engine webgpu", {})).toMatchObject({
      ok: true,
      check: { status: "info", value: "does not start: no adapter" },
    });
  });

  test("tells which model commands use, and why", async () => {
    expect((await check("model", {})).check).toMatchObject({ value: "/models/mine (config)" });
    expect((await check("model", { env: { FUSION_MODEL: "x" } })).check).toMatchObject({ value: "x (environment)" });
  });
});

describe("a problem", () => {
  test("is a CPU engine that does not start", async () => {
    const engines = [{ device: "cpu", available: false, reason: "wrong platform" }] as const;

    expect(await check("engine cpu", { probeEngines: async () => ({ engines }) })).toMatchObject({
      ok: false,
      check: { status: "problem", value: "does not start: wrong platform" },
    });
  });

  test("is an image decoder that does not load", async () => {
    const sharpVersion = () => {
      throw new Error("no binary\nlong advice");
    };

    expect(await check("sharp", { sharpVersion })).toMatchObject({
      ok: false,
      check: { value: "does not load: no binary" },
    });
  });

  test("is a configuration that is wrong, with the loader's own words", async () => {
    const loadConfig = async () => {
      throw new FusionError({ code: "CONFIG_INVALID", at: "f.yaml", expected: "a", actual: "b", hint: "Correct it." });
    };

    expect(await check("config", { loadConfig })).toMatchObject({
      ok: false,
      check: { value: "f.yaml: expected a, got b", hint: "Correct it." },
    });
  });

  test("may come from another command package", async () => {
    const packageChecks = [{ name: "redis", status: "problem", value: "unreachable" }] as const;

    expect((await check("redis", { packageChecks })).ok).toBe(false);
  });
});

test.each([
  ["20.19.0", "ok"],
  ["24.0.0", "ok"],
  ["20.18.3", "problem"],
  ["18.20.0", "problem"],
])("Node %s is %s", (version, status) => {
  expect(nodeCheck(version).status).toBe(status);
});
