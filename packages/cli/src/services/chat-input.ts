/** What a line of a chat asks for. */
export type ChatInput =
  | { readonly kind: "question"; readonly text: string }
  | { readonly kind: "image"; readonly path: string }
  | { readonly kind: "reset" | "help" | "exit" | "nothing" }
  | { readonly kind: "mistake"; readonly message: string; readonly hint: string };

/** Commands of a chat and what they do. */
export const chatCommands = [
  ["/image PATH", "start a new conversation about another picture"],
  ["/reset", "start a new conversation about the same picture"],
  ["/help", "show these commands"],
  ["/exit", "end the chat; so does Ctrl-D"],
] as const;

/** Reads a line: commands begin with a slash, everything else is a question. */
export function parseChatLine(line: string): ChatInput {
  if (line.trim() === "") return { kind: "nothing" };
  if (!line.startsWith("/")) return { kind: "question", text: line };
  const [, word = "", rest = ""] = /^\/(\S*)\s*(.*?)\s*$/.exec(line) ?? [];
  switch (word) {
    case "image":
      // Terminals put quotes around a file that is dropped on them.
      return rest === "" ? mistake("/image needs the path of a picture") : { kind: "image", path: unquoted(rest) };
    case "reset":
    case "help":
    case "exit":
      return rest === "" ? { kind: word } : mistake(`/${word} takes nothing behind it`);
    default:
      return mistake(`there is no command /${word}`);
  }
}

function mistake(message: string): ChatInput {
  return {
    kind: "mistake",
    message,
    hint: "Type /help for the commands; put a space in front to ask it as a question.",
  };
}

function unquoted(text: string): string {
  return /^(["']).+\1$/.test(text) ? text.slice(1, -1) : text;
}
