import { FusionError } from "@fusion-vlm/core";
import { mostQuestions } from "../questions/index.ts";
import { checkSize } from "../render/index-node.ts";

/** What decides the bytes of a dataset. */
export interface Recipe {
  /** Training pictures. */
  readonly count: number;
  /** Held-out pictures. */
  readonly heldout: number;
  readonly seed: number;
  /** Side of the pictures in pixels. */
  readonly size: number;
  /** The most questions a picture. */
  readonly questions: number;
}

/** File names have six digits. */
export const mostPictures = 999_999;

/** @throws OPTION_INVALID naming the option */
export function checkRecipe({ count, heldout, seed, size, questions }: Recipe): void {
  requireWhole("count", count, 1, mostPictures);
  requireWhole("heldout", heldout, 0, mostPictures);
  requireWhole("seed", seed, 0, Number.MAX_SAFE_INTEGER);
  requireWhole("questions", questions, 1, mostQuestions);
  checkSize(size);
}

function requireWhole(at: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new FusionError({
    code: "OPTION_INVALID",
    at,
    expected: `a whole number from ${least} to ${most}`,
    actual: String(value),
    hint: "Correct this option, or leave it out.",
  });
}
