import { shownValue } from "../errors/index.ts";
import { defaultLatents, type FusionConfig, type Semantics } from "../fusion/index.ts";
import { optionError } from "./options.ts";

/** What a caller may settle about a model beyond its own configuration. */
export interface ModelSettings {
  /** Q, a square number; the largest of the model's set that is at most 64 when absent. */
  readonly latents?: number;
  /** Pᵢ, a square number: image tokens are interpolated to this many (FUSION-L). All patches when absent. */
  readonly imageTokens?: number;
  /** Overrides the model's own `fusion_semantics`. */
  readonly semantics?: Semantics;
}

export interface SettledModel {
  readonly config: FusionConfig;
  readonly latents: number;
  /** Most rows a conversation may have. */
  readonly contextLength: number;
}

/** The model's configuration with the caller's settings. Throws OPTION_INVALID naming the one that is wrong. */
export function settleModel(own: FusionConfig, settings: ModelSettings): SettledModel {
  const { semantics } = settings;
  const latents = checkSquare("latents", settings.latents) ?? defaultLatents(own);
  const imageTokens = checkSquare("imageTokens", settings.imageTokens) ?? own.imageGrid ** 2;
  if (semantics !== undefined && semantics !== "released" && semantics !== "paper") {
    throw optionError("semantics", "released or paper", semantics, "Leave it out to use the model's own.");
  }
  const contextLength = Math.min(own.maxLength, own.language.maxPositions);
  if (latents + imageTokens >= contextLength) {
    const expected = `fewer than ${contextLength} together, the model's context`;
    const hint = "Choose smaller squares; the question and its answer need room too.";
    throw optionError("latents and imageTokens", expected, `${latents} and ${imageTokens}`, hint);
  }
  const config = { ...own, imageGrid: Math.sqrt(imageTokens), ...(semantics && { semantics }) };
  return { config, latents, contextLength };
}

function checkSquare(name: string, value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && value >= 1 && Number.isInteger(Math.sqrt(value))) return value;
  const root = Number.isFinite(value) ? Math.max(1, Math.round(Math.sqrt(Math.max(1, value)))) : 8;
  throw optionError(name, "a square number such as 16, 64 or 144", shownValue(value), `Use ${root * root}.`);
}
