import { stat } from "node:fs/promises";
import { FusionError, shownValue } from "../errors/index.ts";
import { presetNames } from "../fusion/index.ts";

/** What a user's word for a model means. */
export type ModelSource =
  | { readonly kind: "folder"; readonly folder: string }
  | { readonly kind: "preset"; readonly preset: string };

/**
 * Finds out whether `source` is a folder or the name of a preset; something on the disk wins over a preset of that name.
 *
 * @throws OPTION_INVALID for what is no text; MODEL_NOT_FOUND for a word that is neither; a path that leads nowhere is left to whoever opens it
 */
export async function findModel(source: string): Promise<ModelSource> {
  if (typeof source !== "string") {
    throw new FusionError({
      code: "OPTION_INVALID",
      at: "model",
      expected: `the path of a model folder, or a preset: ${presetNames.join(", ")}`,
      actual: source === undefined ? "nothing" : shownValue(source),
      hint: 'Name a model: loadFusion("nano").',
    });
  }
  const exists = (await stat(source).catch(() => undefined)) !== undefined;
  if (!exists && presetNames.includes(source)) return { kind: "preset", preset: source };
  if (exists || /[\\/.]/.test(source)) return { kind: "folder", folder: source };
  throw new FusionError({
    code: "MODEL_NOT_FOUND",
    at: source || '""',
    expected: `a model folder, or a preset: ${presetNames.join(", ")}`,
    actual: "neither a folder nor a preset of this name",
    hint: 'Give the path of a model folder, or make one: initModel({ preset: "nano", folder: "nano" }) or fusion model init nano --out nano',
  });
}
