import { fileURLToPath } from "node:url";
import { FusionError, internalError } from "@fusion-vlm/core";
import { Args, Config } from "@oclif/core";
import { captureOutput } from "@oclif/test";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { generationFlags } from "./flags.ts";
import { FusionCommand } from "./fusion-command.ts";

let config: Config;
let failWith: unknown;

/** A command whose service fails on demand. */
class Double extends FusionCommand<{ doubled: number }> {
  static override id = "double";
  static override args = { number: Args.integer({ required: true, description: "What to double." }) };
  static override flags = generationFlags;

  async run(): Promise<{ doubled: number }> {
    const { args } = await this.parse(Double);
    if (failWith) throw failWith;
    return this.present({ doubled: 2 * args.number }, ({ doubled }) => `twice that is ${doubled}`);
  }
}

async function runDouble(...argv: string[]) {
  const { stdout, stderr, error } = await captureOutput(() => Double.run(argv, config));
  return { stdout, stderr, exitCode: (error as { oclif?: { exit?: number } } | undefined)?.oclif?.exit ?? 0 };
}

beforeAll(async () => {
  config = await Config.load({ root: fileURLToPath(new URL("../../", import.meta.url)) });
});

afterEach(() => {
  failWith = undefined;
  vi.unstubAllEnvs();
});

const imageError = new FusionError({
  code: "IMAGE_NOT_FOUND",
  at: "cat.jpg",
  expected: "a picture",
  actual: "nothing",
  hint: "Check the path.",
});

describe("a command that succeeds", () => {
  test("prints what its presenter makes of the data", async () => {
    expect(await runDouble("21")).toEqual({ stdout: "twice that is 42\n", stderr: "", exitCode: 0 });
  });

  test("prints the data as one document with --json", async () => {
    const { stdout, stderr } = await runDouble("21", "--json");

    expect(JSON.parse(stdout)).toEqual({ doubled: 42 });
    expect(stderr).toBe("");
  });
});

describe("a command that fails", () => {
  test("prints message, code and hint on stderr, without a stack, and exits 1", async () => {
    failWith = imageError;

    expect(await runDouble("1")).toEqual({
      stdout: "",
      stderr: "Error: cat.jpg: expected a picture, got nothing\nCode: IMAGE_NOT_FOUND\nTry this: Check the path.\n",
      exitCode: 1,
    });
  });

  test("prints one error document on stdout with --json", async () => {
    failWith = imageError;

    const { stdout, stderr, exitCode } = await runDouble("1", "--json");

    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: "IMAGE_NOT_FOUND",
        message: "cat.jpg: expected a picture, got nothing",
        hint: "Check the path.",
        details: { at: "cat.jpg", expected: "a picture", actual: "nothing" },
      },
    });
    expect([stderr, exitCode]).toEqual(["", 1]);
  });

  test.each([
    ["an error nobody foresaw", () => new TypeError("x is not a function"), 70, "INTERNAL"],
    ["a broken promise of ours", () => internalError("decoder", "no cache"), 70, "INTERNAL"],
    ["something that is no error", () => "just a string", 70, "INTERNAL"],
    [
      "Ctrl-C",
      () => new FusionError({ code: "ABORTED", at: "ask", message: "stopped", hint: "Run it again." }),
      130,
      "ABORTED",
    ],
    ["an aborted signal", () => AbortSignal.abort().reason, 130, "ABORTED"],
  ])("exits with its documented code after %s", async (_name, makeError, exitCode, code) => {
    failWith = makeError();

    const result = await runDouble("1");

    expect(result.exitCode).toBe(exitCode);
    expect(result.stderr).toContain(`Code: ${code}\n`);
    expect(result.stderr).not.toContain("    at ");
  });

  test("asks to run a bug again with DEBUG, which then shows the stack of the error and of its cause", async () => {
    failWith = new Error("outer", { cause: new Error("inner") });
    const { stderr: plain } = await runDouble("1");
    vi.stubEnv("DEBUG", "fusion*");
    const { stderr: debugged } = await runDouble("1");

    expect(plain).toContain("DEBUG=fusion*");
    expect(debugged).toMatch(/Error: outer\n\s+at [\s\S]*Caused by: Error: inner\n\s+at /);
  });
});

describe("a wrong command line", () => {
  test.each([
    ["a missing argument", [], /Missing 1 required arg/],
    ["an unknown flag", ["1", "--nope"], /Nonexistent flag: --nope/],
    ["a wrong argument", ["one"], /Expected an integer/],
    ["a wrong integer", ["1", "--latents", "x"], /--latents: expected a square number such as 16, 64 or 144, got "x"/],
    ["latents that are no square", ["1", "--latents", "50"], /--latents: expected a square number .*, got "50"/],
    ["an empty stop text", ["1", "--stop", ""], /--stop: expected a text, got an empty one/],
    ["a probability of nothing", ["1", "--top-p", "0"], /--top-p: expected a number above 0, up to 1, got "0"/],
    ["a number out of bounds", ["1", "--top-p", "2"], /--top-p: expected a number above 0, up to 1, got "2"/],
    ["a number that is none", ["1", "--temperature", "warm"], /--temperature: expected a number from 0, got "warm"/],
  ])("exits 2 with USAGE after %s", async (_name, argv, message) => {
    const { stderr, exitCode } = await runDouble(...argv);

    expect(exitCode).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).toContain('Code: USAGE\nTry this: Run "');
    expect(stderr).toContain('double --help" to see what it takes.\n');
  });

  test("is an error document with --json, and nothing else", async () => {
    const { stdout, stderr, exitCode } = await runDouble("1", "--nope", "--json");

    expect(JSON.parse(stdout).error).toMatchObject({ code: "USAGE", message: "Nonexistent flag: --nope", details: {} });
    expect([stderr, exitCode]).toEqual(["", 2]);
  });
});
