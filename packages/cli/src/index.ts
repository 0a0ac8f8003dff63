import type { CommandTable } from "@fusion-vlm/plugin-kit";
import { Ask } from "./commands/ask.ts";
import { Chat } from "./commands/chat.ts";
import { Doctor } from "./commands/doctor.ts";
import { ModelInit } from "./commands/model/init.ts";
import { ModelInspect } from "./commands/model/inspect.ts";
import { ModelQuantize } from "./commands/model/quantize.ts";
import { ModelVerify } from "./commands/model/verify.ts";

/** Command id to class; named by the `oclif` block of package.json. */
export const COMMANDS = {
  ask: Ask,
  chat: Chat,
  doctor: Doctor,
  "model:init": ModelInit,
  "model:inspect": ModelInspect,
  "model:quantize": ModelQuantize,
  "model:verify": ModelVerify,
} satisfies CommandTable;
