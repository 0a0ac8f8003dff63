import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const binary = fileURLToPath(new URL("../bin/run.js", import.meta.url));

export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** What stands on standard input; nothing when absent. */
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** A command that runs. */
export interface Running {
  readonly process: ChildProcess;
  /** What it has written so far. */
  readonly output: { stdout: string; stderr: string };
  readonly end: Promise<Finished>;
  /** Resolves when its output matches. */
  until(stream: "stdout" | "stderr", pattern: RegExp): Promise<void>;
}

/** An empty folder in which the built binary is run as a user does, with a home and a place for temporary files of its own. */
export class Workplace {
  private constructor(
    readonly folder: string,
    private readonly nodeEnv: "production" | "development",
  ) {}

  /** @param packages - with the command packages of this repository, or as users install the command */
  static async open(packages: "linked" | "none" = "none"): Promise<Workplace> {
    const dist = fileURLToPath(new URL("../dist/index.js", import.meta.url));
    if (!existsSync(dist)) throw new Error("These tests run the built binary: run npm test, or npm run build first.");
    const folder = await realpath(await mkdtemp(join(tmpdir(), "fusion-cli-")));
    await mkdir(join(folder, ".home/tmp"), { recursive: true });
    return new Workplace(folder, packages === "linked" ? "development" : "production");
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  /** Runs `fusion ARGS` to its end. */
  fusion(args: readonly string[], { input = "", env = {} }: RunOptions = {}): Finished {
    const options = { cwd: this.folder, env: this.#env(env), input, maxBuffer: 2 ** 26 };
    const { status, stdout, stderr }: SpawnSyncReturns<Buffer> = spawnSync(
      process.execPath,
      [binary, ...args],
      options,
    );
    return { exitCode: status, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  /** Starts `fusion ARGS`, with standard input open. */
  start(args: readonly string[]): Running {
    const child = spawn(process.execPath, [binary, ...args], { cwd: this.folder, env: this.#env({}) });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].on("data", (chunk: Buffer) => {
        output[name] += chunk.toString();
      });
    }
    const end = new Promise<Finished>((resolve) => {
      child.on("close", (exitCode) => resolve({ exitCode, ...output }));
    });
    const until = (stream: "stdout" | "stderr", pattern: RegExp) =>
      new Promise<void>((resolve, reject) => {
        const look = () => pattern.test(output[stream]) && resolve();
        child[stream].on("data", look);
        child.on("close", () => reject(new Error(`ended before ${pattern}: ${JSON.stringify(output)}`)));
        look();
      });
    return { process: child, output, end, until };
  }

  /** What commands have left in the place for temporary files. */
  leftovers(): Promise<string[]> {
    return readdir(this.path(".home/tmp"));
  }

  #env(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
    const { DEBUG: _, ...inherited } = process.env;
    const home = this.path(".home");
    const own = {
      HOME: home,
      XDG_DATA_HOME: home,
      XDG_CACHE_HOME: home,
      TMPDIR: join(home, "tmp"),
      TMP: join(home, "tmp"),
    };
    return { ...inherited, ...own, NODE_ENV: this.nodeEnv, FUSION_MODEL: "", ...env };
  }
}

/** The lines of a failure on stderr, as an object; undefined when there is none. */
export function failureOf(stderr: string): { message: string; code: string; hint: string } | undefined {
  const [, message, code, hint] = /^Error: ([\s\S]*)\nCode: (\w+)\nTry this: (.*)\n$/m.exec(stderr) ?? [];
  return message === undefined ? undefined : { message, code: code!, hint: hint! };
}
