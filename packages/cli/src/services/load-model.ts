import { type FusionModel, type LoadOptions, loadFusion } from "@fusion-vlm/core";
import type { Settings } from "@fusion-vlm/plugin-kit";

/**
 * Loads the model that the settings name, on their device.
 *
 * @throws as `loadFusion`
 */
export function loadModel(
  settings: Settings,
  options: Pick<LoadOptions, "semantics" | "signal"> = {},
): Promise<FusionModel> {
  const { latents, imageTokens } = settings.generation;
  return loadFusion(settings.model.value, {
    device: settings.device.value,
    threads: settings.threads?.value,
    latents,
    imageTokens,
    ...options,
  });
}
