import { expect, test } from "vitest";
import { parseChatLine } from "./chat-input.ts";

test.each([
  ["What is it?", { kind: "question", text: "What is it?" }],
  [" /image is a question here", { kind: "question", text: " /image is a question here" }],
  ["", { kind: "nothing" }],
  ["  \t", { kind: "nothing" }],
  ["/image a.png", { kind: "image", path: "a.png" }],
  ["/image  my photos/a b.png ", { kind: "image", path: "my photos/a b.png" }],
  ["/image 'my photos/a b.png'", { kind: "image", path: "my photos/a b.png" }],
  ["/reset", { kind: "reset" }],
  ["/help ", { kind: "help" }],
  ["/exit", { kind: "exit" }],
])("the line %j", (line, input) => {
  expect(parseChatLine(line)).toEqual(input);
});

test.each([
  ["/image", "/image needs the path of a picture"],
  ["/exit now", "/exit takes nothing behind it"],
  ["/quit", "there is no command /quit"],
  ["/", "there is no command /"],
])("the mistake %j is told, and never asked", (line, message) => {
  expect(parseChatLine(line)).toMatchObject({ kind: "mistake", message });
});
