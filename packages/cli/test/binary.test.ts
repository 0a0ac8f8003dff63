import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

const binary = fileURLToPath(new URL("../bin/run.js", import.meta.url));
let folder: string;

/** Runs the built binary as a user does, in an empty folder. */
function fusion(...args: string[]) {
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, NODE_ENV: "production", FUSION_MODEL: "" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [binary, ...args], {
    cwd: folder,
    encoding: "utf8",
    env,
  });
  return { exitCode: status, stdout, stderr };
}

beforeAll(() => {
  const dist = fileURLToPath(new URL("../dist/index.js", import.meta.url));
  if (!existsSync(dist)) throw new Error("These tests run the built binary: run npm test, or npm run build first.");
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fusion-cli-"));
});

afterEach(() => rm(folder, { recursive: true }));

describe("fusion doctor", () => {
  test("finds this machine ready, on stdout only", () => {
    const { exitCode, stdout, stderr } = fusion("doctor");

    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/✓ engine cpu +starts/);
    expect(stdout.trimEnd().endsWith("Ready.")).toBe(true);
  });

  test("is one JSON document with --json", () => {
    const { exitCode, stdout, stderr } = fusion("doctor", "--json");
    const report = JSON.parse(stdout) as { ok: boolean; checks: { name: string; details: unknown }[] };

    expect([exitCode, stderr, report.ok]).toEqual([0, "", true]);
    expect(report.checks.find(({ name }) => name === "model")?.details).toEqual({ value: "nano", source: "default" });
    expect(report.checks.find(({ name }) => name === "engine cpu")?.details).toEqual({
      device: "cpu",
      available: true,
    });
  });

  test("exits 1 when the configuration is wrong, and names the key", async () => {
    await writeFile(join(folder, "fusion.config.yaml"), "modle: nano");

    const { exitCode, stdout } = fusion("doctor");

    expect(exitCode).toBe(1);
    expect(stdout).toContain("modle: there is no such key");
  });
});

describe("a command line that is wrong", () => {
  test("exits 2 with message, code and hint for an unknown flag", () => {
    expect(fusion("doctor", "--nope")).toEqual({
      exitCode: 2,
      stdout: "",
      stderr:
        'Error: Nonexistent flag: --nope\nCode: USAGE\nTry this: Run "fusion doctor --help" to see what it takes.\n',
    });
  });

  test("exits 2 in the same form for an unknown command", () => {
    const hint = 'Run "fusion --help" to see what it takes.';

    expect(fusion("nope")).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: `Error: command "nope" not found\nCode: USAGE\nTry this: ${hint}\n`,
    });
    expect(fusion("init", "nano").stderr).toMatch(
      /^Error: command "init" not found; did you mean "fusion model init"\?\n/,
    );
    expect(JSON.parse(fusion("nope", "--json").stdout)).toEqual({
      error: { code: "USAGE", message: 'command "nope" not found', hint, details: {} },
    });
  });
});

describe("what fusion plugins install passes on to npm", () => {
  const inherited = (value: string | undefined) => {
    // The environment of the binary is that of the npm that it starts.
    const script = `process.argv = [process.execPath, ${JSON.stringify(binary)}, "--version"];
      await import(${JSON.stringify(pathToFileURL(binary).href)});
      process.stdout.write("[" + process.env.ONNXRUNTIME_NODE_INSTALL + "]");`;
    const { ONNXRUNTIME_NODE_INSTALL: _, ...rest } = process.env;
    const env = { ...rest, HOME: folder, XDG_DATA_HOME: folder, ...(value && { ONNXRUNTIME_NODE_INSTALL: value }) };
    const args = ["--input-type=module", "--eval", script];
    return spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8", env }).stdout.match(/\[.*\]/)?.[0];
  };

  test("keeps onnxruntime-node from downloading CUDA libraries, unless the user has said otherwise", () => {
    expect(inherited(undefined)).toBe("[skip]");
    expect(inherited("cuda12")).toBe("[cuda12]");
  });
});

test("in the repository the command packages are linked, unless NODE_ENV says production", () => {
  const { NODE_ENV: _, ...rest } = process.env;
  const env = { ...rest, HOME: folder, XDG_DATA_HOME: folder };
  const help = (nodeEnv: Record<string, string>) =>
    ["data synth", "train", "eval report"].map((command) => {
      const args = [binary, ...command.split(" "), "--help"];
      return spawnSync(process.execPath, args, { cwd: folder, env: { ...env, ...nodeEnv } }).status;
    });

  expect(help({})).toEqual([0, 0, 0]);
  expect(help({ NODE_ENV: "production" })).toEqual([2, 2, 2]);
});

test("fusion --help lists the commands with their summaries", () => {
  const { exitCode, stdout } = fusion("--help");

  expect(exitCode).toBe(0);
  expect(stdout).toContain('fusion ask photo.jpg "What is in the picture?"');
  expect(stdout).toMatch(/doctor +Check that this machine can run FUSION\./);
});
