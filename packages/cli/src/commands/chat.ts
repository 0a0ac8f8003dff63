import { FusionError } from "@fusion-vlm/core";
import { exitCodes, failureDocument, renderFailure, toFailure } from "@fusion-vlm/plugin-kit";
import { Args, Flags } from "@oclif/core";
import { renderTurnFacts } from "../presenters/answer-lines.ts";
import { renderChatHelp } from "../presenters/chat-help.ts";
import { chatCommands, parseChatLine } from "../services/chat-input.ts";
import { checkPicture } from "../services/check-picture.ts";
import { Conversation } from "../services/conversation.ts";
import { AnswerOutput } from "../terminal/answer-output.ts";
import { type LineSource, pipedLines, promptedLines } from "../terminal/line-source.ts";
import { AnswerCommand, answerFlags } from "./answer-command.ts";

export class Chat extends AnswerCommand<undefined> {
  static override summary = "Talk about a picture, question after question.";
  static override description =
    "Reads one question per line: typed at a prompt, or from a pipe. Later questions build on earlier ones. A question that fails does not end the chat; from a pipe the exit code is then 1. Ctrl-C stops the answer, twice ends the chat. With --json, one document per question on a line of its own.\n\n" +
    `A line that begins with a slash is a command:\n${chatCommands.map(([name, does]) => `${name}: ${does}`).join("\n")}`;
  static override examples = [
    "<%= config.bin %> chat photo.jpg",
    "<%= config.bin %> chat photo.jpg --json < questions.txt > answers.jsonl",
  ];
  static override args = {
    image: Args.string({ ignoreStdin: true, description: "Path of a picture; none for a conversation without." }),
  };
  static override flags = {
    ...answerFlags,
    reencode: Flags.boolean({
      description: "Encode the picture again with all questions at every turn, as the authors' chat program does.",
    }),
  };

  readonly #output = new AnswerOutput();
  #answering: AbortController | undefined;
  /** Ctrl-C has stopped an answer or was told what it would do: the next one ends the chat. */
  #isWarned = false;

  async run(): Promise<undefined> {
    const { args, flags } = await this.parse(Chat);
    const settings = await this.settings(flags);
    if (args.image !== undefined) await checkPicture(args.image);

    await this.withModel({ settings, semantics: flags.semantics }, async (model) => {
      const { system, reencode, "auto-orient": autoOrient } = flags;
      const options = { system, reencode, autoOrient, generation: settings.generation };
      await this.#talk(await Conversation.start(model, options, args.image));
    });
  }

  /** One document per line. */
  protected override logJson(document: unknown): void {
    process.stdout.write(`${JSON.stringify(document)}\n`);
  }

  /** Whoever ends a chat by Ctrl-C twice knows why it ended. */
  protected override async catch(error: Error & { code?: string }): Promise<never> {
    if (this.#isWarned && this.#isStoppedByHand() && !this.jsonEnabled()) return this.exit(exitCodes.interrupted);
    return super.catch(error);
  }

  #isStoppedByHand(): boolean {
    const { aborted, reason } = this.abortSignal;
    return aborted && FusionError.isInstance(reason) && reason.details.signal === "SIGINT";
  }

  async #talk(conversation: Conversation): Promise<void> {
    const isTyped = Boolean(process.stdin.isTTY && process.stderr.isTTY) && !this.jsonEnabled();
    const lines = isTyped ? this.#prompt() : pipedLines(process.stdin);
    this.interrupt.intercept = () => this.#onInterrupt(isTyped);
    this.abortSignal.addEventListener("abort", () => lines.close());
    if (isTyped) this.note("Type a question; /help lists commands.");
    let hasFailed = false;
    for (;;) {
      const line = await lines.next();
      this.abortSignal.throwIfAborted();
      if (line === undefined) break;
      this.#isWarned = false;
      const outcome = await this.#obey(line, conversation);
      if (outcome === "end") break;
      if (outcome === "failed") hasFailed = true;
    }
    lines.close();
    if (hasFailed && !isTyped) process.exitCode = exitCodes.failed;
  }

  async #obey(line: string, conversation: Conversation): Promise<"done" | "failed" | "end"> {
    const input = parseChatLine(line);
    try {
      switch (input.kind) {
        case "nothing":
          return "done";
        case "exit":
          return "end";
        case "help":
          this.note(renderChatHelp());
          return "done";
        case "reset":
          await conversation.reset();
          this.note("A new conversation.");
          return "done";
        case "image":
          await conversation.changeImage(input.path);
          this.note("A new conversation about this picture.");
          return "done";
        case "mistake": {
          const { message, hint } = input;
          throw new FusionError({ code: "OPTION_INVALID", at: "chat", message, hint });
        }
        case "question":
          await this.#ask(input.text, conversation);
          return "done";
      }
    } catch (error) {
      this.#report(error, input.kind === "question" ? { question: input.text } : { command: line });
      return "failed";
    }
  }

  async #ask(question: string, conversation: Conversation): Promise<void> {
    this.#answering = new AbortController();
    const signal = AbortSignal.any([this.abortSignal, this.#answering.signal]);
    try {
      const onText = (text: string) => this.jsonEnabled() || this.#output.write(text);
      const turn = await conversation.ask(question, onText, signal);
      if (this.jsonEnabled()) this.logJson(turn);
      else this.#output.end();
      this.note(renderTurnFacts(turn));
    } catch (error) {
      this.#output.breakOff();
      throw error;
    } finally {
      this.#answering = undefined;
    }
  }

  /** Tells of a failure and goes on; a bug, and the end of the whole command, go up. */
  #report(error: unknown, what: { question: string } | { command: string }): void {
    if (this.abortSignal.aborted || !FusionError.isInstance(error) || error.code === "INTERNAL") throw error;
    const failure = toFailure(error, "fusion chat");
    if (this.jsonEnabled()) this.logJson({ ...what, ...failureDocument(failure) });
    else this.note(error.code === "ABORTED" ? "Stopped. Ctrl-C again ends the chat." : renderFailure(failure));
  }

  /** Ctrl-C stops the answer, and asks once at the prompt; true when the chat goes on. */
  #onInterrupt(isTyped: boolean): boolean {
    if (this.#isWarned || (!this.#answering && !isTyped)) return false;
    this.#isWarned = true;
    if (this.#answering) {
      const message = "stopped by Ctrl-C";
      this.#answering.abort(new FusionError({ code: "ABORTED", at: "question", message, hint: "Ask it again." }));
    } else {
      this.note("\nCtrl-C again ends the chat; so do /exit and Ctrl-D.");
    }
    return true;
  }

  #prompt(): LineSource {
    const onInterrupt = () => process.emit("SIGINT", "SIGINT");
    return promptedLines({ input: process.stdin, output: process.stderr, prompt: "> ", onInterrupt });
  }
}
