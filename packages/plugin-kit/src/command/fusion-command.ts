import { FusionError } from "@fusion-vlm/core";
import { Command, type Interfaces } from "@oclif/core";
import { loadConfig } from "../config/load-config.ts";
import { resolveSettings, type SettingFlags, type Settings } from "../config/settings.ts";
import { Progress, type ProgressOptions } from "../output/progress.ts";
import { failureDocument, fullStack, renderFailure, toFailure, wantsStack } from "./failure.ts";
import { type Interrupt, listenForInterrupt } from "./interrupt.ts";
import { UsageError } from "./usage-error.ts";

/**
 * The base of every command. A command parses, calls a service, and presents what it returned:
 *
 *     export class Count extends FusionCommand<CountResult> {
 *       static override summary = "Count the images of a folder.";
 *       static override args = { folder: Args.string({ required: true, description: "Folder of images." }) };
 *
 *       async run(): Promise<CountResult> {
 *         const { args } = await this.parse(Count);
 *         return this.present(await countImages(args.folder), ({ images }) => `${images} images`);
 *       }
 *     }
 *
 * Results go to stdout, progress and errors to stderr. With `--json`, stdout is one document: the result, or
 * `{ "error": { code, message, hint, details } }`. Exit codes: {@link exitCodes}.
 */
export abstract class FusionCommand<T extends object | undefined> extends Command {
  static override enableJsonFlag = true;

  #interrupt: Interrupt | undefined;

  /** Returns the `--json` document; undefined where the command has written its documents itself. */
  abstract override run(): Promise<T>;

  /** Prints what `render` makes of the data; under `--json` the data itself is the document. */
  protected present(data: T, render: (data: T) => string): T {
    if (!this.jsonEnabled()) this.log(render(data));
    return data;
  }

  /** Model, device, threads and generation options: flags win over the environment, that over fusion.config, that over defaults. */
  protected async settings(flags: SettingFlags = {}): Promise<Settings> {
    return resolveSettings({ flags, env: process.env, loaded: await loadConfig(process.cwd()) });
  }

  /** A progress line on stderr; silent under `--json` and where stderr is no terminal. */
  protected progress(options: Omit<ProgressOptions, "stream">): Progress {
    return new Progress({ ...options, stream: this.jsonEnabled() ? undefined : process.stderr });
  }

  /** A line about how things go, on stderr; silent under `--json`. */
  protected note(text: string): void {
    if (!this.jsonEnabled()) process.stderr.write(`${text}\n`);
  }

  /** Aborted by the first Ctrl-C; hand it to the service. A second Ctrl-C ends the process. */
  protected get abortSignal(): AbortSignal {
    return this.interrupt.signal;
  }

  /** Ctrl-C and its like, listened to from the first use to the end of the command. */
  protected get interrupt(): Interrupt {
    this.#interrupt ??= listenForInterrupt();
    return this.#interrupt;
  }

  /** Parses the command line; whatever is wrong with it is a {@link UsageError}. */
  protected override async parse<
    F extends Interfaces.OutputFlags<F>,
    B extends Interfaces.OutputFlags<B>,
    A extends Interfaces.OutputArgs<A>,
  >(options?: Interfaces.Input<F, B, A>, argv?: string[]): Promise<Interfaces.ParserOutput<F, B, A>> {
    try {
      return await super.parse<F, B, A>(options, argv);
    } catch (error) {
      if (FusionError.isInstance(error) || !(error instanceof Error) || isExit(error)) throw error;
      throw new UsageError(parserSentence(error.message), { cause: error });
    }
  }

  /** Tells the user what went wrong and sets the exit code. */
  protected override async catch(error: Error & { code?: string }): Promise<never> {
    // `this.exit(n)` is no failure.
    if (isExit(error)) throw error;
    // Nor is `| head`, which has read what it wanted.
    if (this.#interrupt?.outputClosed) return this.exit(0);

    const failure = toFailure(error, `${this.config.bin} ${this.id?.replaceAll(":", " ")}`);
    if (this.jsonEnabled()) {
      this.logJson(failureDocument(failure));
    } else {
      const stack = wantsStack(process.env.DEBUG) ? fullStack(error) : undefined;
      process.stderr.write(`${renderFailure(failure, stack)}\n`);
    }
    return this.exit(failure.exitCode);
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    this.#interrupt?.release();
    await super.finally(error);
  }
}

function isExit(error: Error & { code?: string }): boolean {
  return error.code === "EEXIT";
}

/** The parser's message without its layout and its own reference to --help. */
function parserSentence(message: string): string {
  return message
    .replace(/\n?See more help with --help$/, "")
    .replace(/^Parsing (--\S+) \n\t/, "$1: ")
    .trimEnd();
}
