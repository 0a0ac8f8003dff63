import { keyValues } from "@fusion-vlm/plugin-kit";
import { chatCommands } from "../services/chat-input.ts";

/** What `/help` shows. */
export function renderChatHelp(): string {
  return keyValues(chatCommands);
}
