import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { root, say } from "./workspace.mjs";

const binary = join(root, "packages/cli/bin/run.js");

/** A command line as a user would type it in the repository. */
export function shownLine(args) {
  return `$ npx fusion ${args.map((arg) => (/^[\w./:=@+,-]+$/.test(arg) ? arg : `"${arg}"`)).join(" ")}`;
}

/**
 * Shows a fusion command, runs it, and resolves to its exit code and, under `capture`, what it wrote to stdout.
 *
 * Ctrl-C reaches the command by itself, as the terminal sends it to all of us: this process waits for the command to clean up.
 */
export async function fusion(args, { capture = false, cwd = root } = {}) {
  say(shownLine(args));
  const stdio = ["ignore", capture ? "pipe" : "inherit", capture ? "pipe" : "inherit"];
  const child = spawn(process.execPath, [binary, ...args], { cwd, stdio });
  let [stdout, stderr] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const wait = () => {};
  const passOn = (signal) => child.kill(signal);
  process.on("SIGINT", wait);
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, passOn);
  try {
    const status = await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
    });
    // What a captured command says about itself matters when it has failed.
    if (status !== 0 && stderr) say(stderr.trimEnd());
    return { status, stdout };
  } finally {
    process.off("SIGINT", wait);
    for (const signal of ["SIGTERM", "SIGHUP"]) process.off(signal, passOn);
  }
}
