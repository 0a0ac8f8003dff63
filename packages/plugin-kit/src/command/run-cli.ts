import { fileURLToPath } from "node:url";
import { Config, flush, run } from "@oclif/core";
import { failureDocument, fullStack, renderFailure, toFailure, wantsStack } from "./failure.ts";
import { unknownCommand } from "./unknown-command.ts";
import { UsageError } from "./usage-error.ts";

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

    const failure = toFailure(await withSuggestion(error, url), "fusion");
    if (asksForJson(argv)) process.stdout.write(`${JSON.stringify(failureDocument(failure), undefined, 2)}\n`);
    else
      process.stderr.write(`${renderFailure(failure, wantsStack(process.env.DEBUG) ? fullStack(error) : undefined)}\n`);
    process.exit(failure.exitCode);
  }
}

/** oclif joins words of the command line by colons, and knows no better. */
async function withSuggestion(error: unknown, url: string): Promise<unknown> {
  const typed = error instanceof Error && /^command (\S+) not found$/.exec(error.message)?.[1];
  if (!typed) return error;
  const { commands, bin } = await Config.load({ root: fileURLToPath(url) });
  const ids = commands.filter(({ hidden }) => !hidden).map(({ id }) => id);
  return new UsageError(unknownCommand(typed, ids, bin), { cause: error });
}

function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end === -1 ? undefined : end).includes("--json");
}
