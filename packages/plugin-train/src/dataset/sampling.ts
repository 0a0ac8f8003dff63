/** Which records of a data file are trained on. */
export type Sampling =
  | { readonly strategy: "all" }
  | {
      readonly strategy: "first" | "end" | "random";
      readonly amount: number;
      readonly unit: "records" | "percent";
    };

export const everyRecord: Sampling = { strategy: "all" };

/** Reads `all`, `first:N`, `end:N` or `random:N`, N a count or a percentage such as `12%`; undefined for anything else. */
export function parseSampling(text: string): Sampling | undefined {
  if (text === "all") return everyRecord;
  const [, strategy, digits, percent] = /^(first|end|random):([1-9]\d*)(%?)$/.exec(text) ?? [];
  const amount = Number(digits);
  if (strategy === undefined || !Number.isSafeInteger(amount) || (percent && amount > 100)) return undefined;
  return { strategy: strategy as "first" | "end" | "random", amount, unit: percent ? "percent" : "records" };
}

/** The inverse of {@link parseSampling}. */
export function samplingText(sampling: Sampling): string {
  if (sampling.strategy === "all") return "all";
  return `${sampling.strategy}:${sampling.amount}${sampling.unit === "percent" ? "%" : ""}`;
}

/** How many records from the first on are chosen, where that can be told before the file has been counted. */
export function chosenAhead(sampling: Sampling): number | undefined {
  if (sampling.strategy === "all") return Number.POSITIVE_INFINITY;
  return sampling.strategy === "first" && sampling.unit === "records" ? sampling.amount : undefined;
}

/**
 * The places of the chosen records among a file's, counted from 0, in ascending order.
 *
 * A percentage is rounded up, and more records than there are means all of them: both as in the loader of LLaVA's
 * family, which FUSION's data files are written for.
 *
 * @param random - decides the records of `random`; without replacement, each set is equally likely
 */
export function* chosenRecords(sampling: Sampling, total: number, random: () => number): Generator<number> {
  const count = chosenCount(sampling, total);
  if (sampling.strategy !== "random") {
    const begin = sampling.strategy === "end" ? total - count : 0;
    for (let place = begin; place < begin + count; place++) yield place;
    return;
  }
  // Selection sampling (Knuth, algorithm S): a place is chosen with the share that is wanted of those that are left.
  let wanted = count;
  for (let place = 0; wanted > 0; place++) {
    if (random() * (total - place) >= wanted) continue;
    wanted -= 1;
    yield place;
  }
}

function chosenCount(sampling: Sampling, total: number): number {
  if (sampling.strategy === "all") return total;
  const { amount, unit } = sampling;
  return Math.min(total, unit === "percent" ? Math.ceil((amount * total) / 100) : amount);
}
