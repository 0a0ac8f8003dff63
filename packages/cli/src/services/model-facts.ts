import type { ModelInfo } from "@fusion-vlm/core";

/** What the documents of ask and chat say about the model. */
export interface ModelFacts {
  /** The folder, or `nano`. */
  readonly source: string;
  readonly type: string;
  readonly semantics: string;
  readonly template: string;
  readonly parameters: number;
  /** Of the weights, as stored. */
  readonly bytes: number;
  readonly device: string;
  readonly deviceReason: string;
  /** Per question. */
  readonly latents: number;
  readonly imageTokens: number;
  readonly contextLength: number;
  readonly untrained: boolean;
}

export function modelFacts({ config, loadTime: _, ...info }: ModelInfo): ModelFacts {
  const { source, parameters, bytes, device, deviceReason, latents, imageTokens, contextLength, untrained } = info;
  return {
    source,
    type: config.modelType,
    semantics: config.semantics,
    template: config.template,
    parameters,
    bytes,
    device,
    deviceReason,
    latents,
    imageTokens,
    contextLength,
    untrained,
  };
}
