import { type LoraOptions, type ParameterRule, partPatterns, type TrainedPart } from "@fusion-vlm/core/train";
import { UsageError } from "@fusion-vlm/plugin-kit";

/** Parts of FUSION as flags name them: `vision-tower`, `image-projector`, … */
export const partNames: readonly string[] = (Object.keys(partPatterns) as TrainedPart[]).map(dashed);

/** Adapters go to every linear layer of the language model when no target is named. */
const usualTargets = "model.layers.*.weight";

export interface RuleFlags {
  readonly freeze?: readonly string[];
  /** Beside adapters. */
  readonly train?: readonly string[];
  /** `PART=FACTOR` */
  readonly "part-rate"?: readonly string[];
}

/**
 * `--freeze` and `--part-rate` as rules; frozen ones first, as the first that matches counts.
 *
 * @throws UsageError for a rate that is not PART=FACTOR
 */
export function rulesOf({ freeze = [], train = [], "part-rate": rates = [] }: RuleFlags): ParameterRule[] {
  return [
    ...train.map((part) => ({ pattern: patternOf(part), frozen: false })),
    ...freeze.map((part) => ({ pattern: patternOf(part), frozen: true })),
    ...rates.map((text) => {
      const [, part, factor] = /^(.+)=(\d+(?:\.\d*)?(?:e[+-]?\d+)?)$/i.exec(text) ?? [];
      if (part === undefined)
        throw new UsageError(`--part-rate: expected PART=FACTOR, such as vision-tower=0.1, got ${text}`);
      return { pattern: patternOf(part), learningRateScale: Number(factor) };
    }),
  ];
}

export interface LoraFlags {
  readonly "lora-rank"?: number;
  readonly "lora-alpha"?: number;
  readonly "lora-target"?: readonly string[];
  readonly seed?: number;
}

/**
 * Adapters where a rank is given; α is twice the rank when absent.
 *
 * @throws UsageError for α or targets without a rank
 */
export function loraOf(flags: LoraFlags): LoraOptions | undefined {
  const { "lora-rank": rank, "lora-alpha": alpha, "lora-target": targets, seed } = flags;
  if (rank !== undefined) return { rank, alpha: alpha ?? 2 * rank, targets: targets ?? [usualTargets], seed };
  if (alpha === undefined && targets === undefined) return undefined;
  throw new UsageError(`--lora-${alpha === undefined ? "target" : "alpha"}: expected --lora-rank beside it, got none`);
}

/** The patterns of a part, or the text as a pattern on checkpoint names. */
function patternOf(text: string): string | readonly string[] {
  const part = (Object.keys(partPatterns) as TrainedPart[]).find((name) => dashed(name) === text);
  return part === undefined ? text : partPatterns[part];
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
