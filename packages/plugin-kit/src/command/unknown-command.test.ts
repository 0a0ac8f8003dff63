import { expect, test } from "vitest";
import { unknownCommand } from "./unknown-command.ts";

const ids = ["ask", "chat", "doctor", "model:init", "model:inspect", "model:verify", "plugins:install"];

test.each([
  ["init:nano", 'command "init" not found; did you mean "fusion model init"?'],
  ["model:inti:nano", 'command "model inti" not found; did you mean "fusion model init"?'],
  ["docter", 'command "docter" not found; did you mean "fusion doctor"?'],
  ["verfy", 'command "verfy" not found; did you mean "fusion model verify"?'],
  ["nope:at:all", 'command "nope" not found'],
  ["x", 'command "x" not found'],
])("%s is told with the command that was meant", (typed, message) => {
  expect(unknownCommand(typed, ids, "fusion")).toBe(message);
});
