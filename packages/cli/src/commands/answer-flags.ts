import { engineFlags, generationFlags, semanticsFlag } from "@fusion-vlm/plugin-kit";
import { Flags } from "@oclif/core";

/** Flags of the commands that answer questions. */
export const answerFlags = {
  ...engineFlags,
  ...generationFlags,
  system: Flags.string({ description: "Replace the template's system text.", helpValue: "TEXT" }),
  "auto-orient": Flags.boolean({
    description: "Turn the picture as its EXIF orientation says; the model was trained without.",
  }),
  semantics: semanticsFlag,
};
