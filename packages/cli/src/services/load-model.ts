import { existsSync } from "node:fs";
import {
  FusionError,
  type FusionModel,
  inspectModel,
  type LoadOptions,
  loadFusion,
  presetNames,
} from "@fusion-vlm/core";
import { defaultModel, formatBytes, type Settings } from "@fusion-vlm/plugin-kit";

/**
 * Loads the model that the settings name, on their device. Of the presets only `nano` is made on the way: others are gigabytes.
 *
 * @throws as `loadFusion`; MODEL_NOT_FOUND for another preset
 */
export async function loadModel(
  settings: Settings,
  options: Pick<LoadOptions, "semantics" | "onProgress" | "signal"> = {},
): Promise<FusionModel> {
  await refuseLargePreset(settings.model.value);
  const { latents, imageTokens } = settings.generation;
  return loadFusion(settings.model.value, {
    device: settings.device.value,
    threads: settings.threads?.value,
    latents,
    imageTokens,
    ...options,
  });
}

async function refuseLargePreset(name: string): Promise<void> {
  if (name === defaultModel || !presetNames.includes(name) || existsSync(name)) return;
  const { parameters } = await inspectModel(name);
  throw new FusionError({
    code: "MODEL_NOT_FOUND",
    at: name,
    message: `${name} is a preset of random weights (${formatBytes(4 * parameters)}), not a model folder`,
    hint: `Make it once: fusion model init ${name} --out ${name}`,
    details: { preset: name, parameters },
  });
}
