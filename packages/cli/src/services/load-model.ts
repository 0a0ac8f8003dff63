import { type FusionModel, loadFusion, type Semantics } from "@fusion-vlm/core";
import type { Settings } from "@fusion-vlm/plugin-kit";

export interface LoadModelOptions {
  readonly semantics?: Semantics;
  readonly signal?: AbortSignal;
}

/** Loads the model that the settings name, on their device. Throws as `loadFusion`. */
export function loadModel(settings: Settings, { semantics, signal }: LoadModelOptions = {}): Promise<FusionModel> {
  const { latents, imageTokens } = settings.generation;
  return loadFusion(settings.model.value, {
    device: settings.device.value,
    threads: settings.threads?.value,
    latents,
    imageTokens,
    semantics,
    signal,
  });
}
