import { flush, run } from "@oclif/core";
import { failureDocument, fullStack, renderFailure, toFailure, wantsStack } from "./failure.ts";

/**
 * The whole of a binary: runs the command line of this process, ends it with the exit code of what went wrong.
 *
 * Failures outside of our commands (an unknown command, a plugin of oclif) look like those of {@link FusionCommand}.
 *
 * @param url - `import.meta.url` of the binary; its package holds the `oclif` block
 */
export async function runCli(url: string): Promise<void> {
  const argv = process.argv.slice(2);
  // oclif does the same for stdout: a reader that has gone is no reason to crash.
  process.stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  try {
    await run(argv, url);
    await flush();
  } catch (error) {
    const { code, oclif } = error as { code?: string; oclif?: { exit?: number } };
    // A command has reported already, or ended itself by `this.exit(n)`.
    if (code === "EEXIT") process.exit(oclif?.exit ?? 0);

    const failure = toFailure(error, "fusion");
    if (asksForJson(argv)) process.stdout.write(`${JSON.stringify(failureDocument(failure), undefined, 2)}\n`);
    else
      process.stderr.write(`${renderFailure(failure, wantsStack(process.env.DEBUG) ? fullStack(error) : undefined)}\n`);
    process.exit(failure.exitCode);
  }
}

function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end === -1 ? undefined : end).includes("--json");
}
