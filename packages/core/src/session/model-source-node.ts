import { stat } from "node:fs/promises";
import { FusionError, shownValue } from "../errors/index.ts";
import { fusionParameters, modelPreset, parseConfig, presetNames } from "../fusion/index.ts";
import { sizeOf } from "../tensor/index.ts";
import { shippedModel, shippedModelFolder } from "./shipped-model-node.ts";

/** What a user's word for a model means. */
export type ModelSource =
  | { readonly kind: "folder"; readonly folder: string }
  | { readonly kind: "preset"; readonly preset: string };

/**
 * Finds out what `source` is: a folder, `nano`, or the name of a preset. Something on the disk wins over a name.
 *
 * `nano` is the trained model where `@fusion-vlm/nano` is installed, else the preset. A path that leads nowhere is left to
 * whoever opens it.
 *
 * @throws OPTION_INVALID for what is no text; MODEL_NOT_FOUND for a word that is none of them
 */
export async function findModel(source: string): Promise<ModelSource> {
  if (typeof source !== "string") {
    throw new FusionError({
      code: "OPTION_INVALID",
      at: "model",
      expected: `the path of a model folder, or "${shippedModel}"`,
      actual: source === undefined ? "nothing" : shownValue(source),
      hint: `Name a model: loadFusion("${shippedModel}").`,
    });
  }
  const exists = (await stat(source).catch(() => undefined)) !== undefined;
  if (exists) return { kind: "folder", folder: source };
  const shipped = source === shippedModel ? shippedModelFolder() : undefined;
  if (shipped !== undefined) return { kind: "folder", folder: shipped };
  if (presetNames.includes(source)) return { kind: "preset", preset: source };
  if (/[\\/.]/.test(source)) return { kind: "folder", folder: source };
  throw new FusionError({
    code: "MODEL_NOT_FOUND",
    at: source || '""',
    expected: `a model folder, ${shippedModel}, or a preset: ${presetNames.join(", ")}`,
    actual: "none of these",
    hint: 'Give the path of a model folder, or make one: initModel({ preset: "nano", folder: "nano" }) or fusion model init nano --out nano',
  });
}

/**
 * The folder of a model with weights: that of a path, or of the installed `nano`.
 *
 * @throws as `findModel`; MODEL_NOT_FOUND for a preset, which has none
 */
export async function findModelFolder(source: string): Promise<string> {
  const found = await findModel(source);
  if (found.kind === "folder") return found.folder;
  const { preset } = found;
  const { config, vision } = modelPreset(preset);
  const shapes = fusionParameters(parseConfig(config, vision, `preset ${preset}`)).values();
  const parameters = [...shapes].reduce((sum, shape) => sum + sizeOf(shape), 0);
  throw new FusionError({
    code: "MODEL_NOT_FOUND",
    at: preset,
    message:
      preset === shippedModel
        ? "nano is not installed"
        : `${preset} is a preset, to begin a training with (${parameters.toLocaleString("en")} parameters), not a model folder`,
    hint:
      preset === shippedModel
        ? "npm install @fusion-vlm/nano"
        : `Make one with random weights: fusion model init ${preset} --out ${preset}`,
    details: { preset, parameters },
  });
}
