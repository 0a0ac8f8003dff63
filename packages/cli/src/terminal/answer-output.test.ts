import { expect, test } from "vitest";
import { AnswerOutput } from "./answer-output.ts";

function output(isTTY: boolean) {
  const written: string[] = [];
  return { written, answer: new AnswerOutput({ isTTY, write: (text) => written.push(text) }) };
}

test("a terminal never gets control characters of a model, also when they come apart", () => {
  const { written, answer } = output(true);

  for (const piece of ["a\u001b", "[31mb", "\u0007", "\r"]) answer.write(piece);
  answer.end();

  expect(written.join("")).toBe("a[31mb\n");
});

test("a file or pipe gets exactly what the model said", () => {
  const { written, answer } = output(false);

  answer.write("a\u001b[31mb");
  answer.end();

  expect(written.join("")).toBe("a\u001b[31mb\n");
});

test("an answer ends with one newline, its own where it has one; without words it is an empty line", () => {
  const { written, answer } = output(false);

  for (const text of ["one", "two\n", ""]) {
    answer.write(text);
    answer.end();
  }

  expect(written.join("")).toBe("one\ntwo\n\n");
});

test("an answer that is broken off before its first word leaves nothing", () => {
  const { written, answer } = output(false);

  answer.breakOff();
  answer.write("half");
  answer.breakOff();
  answer.breakOff();

  expect(written.join("")).toBe("half\n");
});
