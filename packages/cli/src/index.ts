import type { CommandTable } from "@fusion-vlm/plugin-kit";
import { Doctor } from "./commands/doctor.ts";

/** Command id to class; named by the `oclif` block of package.json. */
export const COMMANDS = {
  doctor: Doctor,
} satisfies CommandTable;
