import { UsageError } from "@fusion-vlm/plugin-kit";
import { Args, Flags } from "@oclif/core";
import { renderAnswerFacts } from "../presenters/answer-lines.ts";
import { type AskResult, askQuestion } from "../services/ask-question.ts";
import { checkPicture } from "../services/check-picture.ts";
import { readAllBytes } from "../services/read-all-bytes.ts";
import { AnswerOutput } from "../terminal/answer-output.ts";
import { AnswerCommand, answerFlags } from "./answer-command.ts";

export class Ask extends AnswerCommand<AskResult> {
  static override summary = "Ask a question about a picture.";
  static override description =
    "The answer goes to stdout as it is made; model, tokens and times go to stderr. With --json stdout is one document.";
  static override examples = [
    '<%= config.bin %> ask photo.jpg "What is in the picture?"',
    'curl -s https://example.org/photo.jpg | <%= config.bin %> ask - "How many people are there?" --model ./my-model',
    '<%= config.bin %> ask --no-image "What is a square number?" --json',
  ];
  static override args = {
    image: Args.string({ ignoreStdin: true, description: "Path of a picture, or - to read it from standard input." }),
    question: Args.string({ ignoreStdin: true, description: "The question." }),
  };
  static override flags = {
    ...answerFlags,
    "no-image": Flags.boolean({ description: "Ask without a picture: QUESTION is the only argument." }),
  };

  async run(): Promise<AskResult> {
    const { args, flags } = await this.parse(Ask);
    const { image: path, question } = splitArguments(args, flags["no-image"]);
    if (question.trim() === "") throw new UsageError("QUESTION is blank");
    const settings = await this.settings(flags);
    const image = path === undefined ? undefined : await openImage(path);
    // A wrong picture is told before gigabytes are loaded.
    if (image !== undefined) await checkPicture(image, { question, canPipe: true });

    return this.withModel({ settings, semantics: flags.semantics, hasImage: image !== undefined }, async (model) => {
      const output = new AnswerOutput();
      this.note("");
      const result = await askQuestion(model, {
        image,
        question,
        system: flags.system,
        autoOrient: flags["auto-orient"],
        generation: settings.generation,
        signal: this.abortSignal,
        onText: (text) => this.jsonEnabled() || output.write(text),
      }).catch((error) => {
        output.breakOff();
        throw error;
      });
      if (!this.jsonEnabled()) output.end();
      this.note(`\n${renderAnswerFacts(result)}`);
      return result;
    });
  }
}

/** With --no-image, the one argument is the question. */
function splitArguments({ image, question }: { image?: string; question?: string }, noImage: boolean) {
  const usage = noImage ? "--no-image takes one argument, the QUESTION" : "ask takes two arguments, IMAGE and QUESTION";
  const given = [image, question].filter((one) => one !== undefined).length;
  if (given !== (noImage ? 1 : 2)) throw new UsageError(`${usage}; got ${given || "none"}`);
  return noImage ? { question: image! } : { image, question: question! };
}

async function openImage(path: string): Promise<string | Uint8Array> {
  if (path !== "-") return path;
  if (process.stdin.isTTY) throw new UsageError("IMAGE - reads the picture from standard input, which is the terminal");
  return readAllBytes(process.stdin);
}
