import { createInterface } from "node:readline";

/** Where the lines of a chat come from. */
export interface LineSource {
  /** The next line; undefined at the end of the input. */
  next(): Promise<string | undefined>;
  /** Ends the input: whoever waits for a line gets undefined. */
  close(): void;
}

/** Lines of a pipe or file, one after the other, without a prompt. */
export function pipedLines(input: NodeJS.ReadableStream): LineSource {
  const reader = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const lines = reader[Symbol.asyncIterator]();
  return {
    next: async () => {
      const { value, done } = await lines.next();
      return done ? undefined : value;
    },
    close: () => reader.close(),
  };
}

export interface PromptOptions {
  readonly input: NodeJS.ReadableStream;
  /** The prompt and what is typed are shown here. */
  readonly output: NodeJS.WritableStream;
  readonly prompt: string;
  /** Called by Ctrl-C at the prompt, which the terminal then does not turn into a signal. */
  readonly onInterrupt: () => void;
}

/** Lines that someone types, with editing and history. Between two lines the terminal is as it was, so that Ctrl-C is a signal. */
export function promptedLines({ input, output, prompt, onInterrupt }: PromptOptions): LineSource {
  let history: string[] = [];
  let current: ReturnType<typeof createInterface> | undefined;
  let isClosed = false;
  return {
    next: () =>
      new Promise((resolve) => {
        if (isClosed) return resolve(undefined);
        const reader = createInterface({
          input,
          output,
          terminal: true,
          prompt,
          history,
          removeHistoryDuplicates: true,
        });
        current = reader;
        let line: string | undefined;
        let hasEnded = false;
        reader.on("history", (lines: string[]) => {
          history = [...lines];
        });
        reader.on("SIGINT", () => {
          onInterrupt();
          if (hasEnded) return;
          reader.write(null, { ctrl: true, name: "e" });
          reader.write(null, { ctrl: true, name: "u" });
          reader.prompt();
        });
        reader.once("line", (text) => {
          line = text;
          reader.close();
        });
        reader.once("close", () => {
          hasEnded = true;
          current = undefined;
          // Ctrl-D and a close from outside leave the cursor behind the prompt.
          if (line === undefined) output.write("\n");
          resolve(line);
        });
        reader.prompt();
      }),
    close: () => {
      isClosed = true;
      current?.close();
    },
  };
}
