import { printable } from "@fusion-vlm/plugin-kit";

/** What an answer is written to; `process.stdout` is one. */
export interface AnswerStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Where the words of a model go: as they are into files and pipes, without control characters onto a terminal. */
export class AnswerOutput {
  readonly #stream: AnswerStream;
  #last = "";

  constructor(stream: AnswerStream = process.stdout) {
    this.#stream = stream;
  }

  write(text: string): void {
    const shown = this.#stream.isTTY ? printable(text) : text;
    if (shown === "") return;
    this.#stream.write(shown);
    this.#last = shown;
  }

  /** Ends an answer with a newline, where its last word was none; one without words is an empty line. */
  end(): void {
    if (!this.#last.endsWith("\n")) this.#stream.write("\n");
    this.#last = "";
  }

  /** Ends the line of an answer that was broken off, if it had begun. */
  breakOff(): void {
    if (this.#last !== "") this.end();
  }
}
