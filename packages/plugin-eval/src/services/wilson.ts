/** Lower and upper end. */
export type Interval = readonly [low: number, high: number];

/** The 97.5 % point of the normal distribution: 95 % lie between it and its negative. */
const z95 = 1.959963984540054;

/**
 * Wilson's score interval of a share, without continuity correction.
 *
 *   (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n),   p = successes / total
 *
 * It holds for few trials and for shares at 0 and 1, where the plain normal interval is empty.
 *
 * @param z - 95 % when absent
 * @returns [0, 1] for no trials, which say nothing
 * @see E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927)
 */
export function wilson(successes: number, total: number, z = z95): Interval {
  if (total === 0) return [0, 1];
  const share = successes / total;
  const middle = share + z ** 2 / (2 * total);
  const half = z * Math.sqrt((share * (1 - share)) / total + z ** 2 / (4 * total ** 2));
  const scale = 1 + z ** 2 / total;
  // Rounding may leave a trace beyond the ends.
  return [successes === 0 ? 0 : (middle - half) / scale, successes === total ? 1 : (middle + half) / scale];
}
