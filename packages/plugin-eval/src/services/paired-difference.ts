import { createRandom } from "@fusion-vlm/core";
import type { Interval } from "./wilson.ts";

/** The same question answered twice. */
export interface AnswerPair {
  /** Questions of one cluster (a picture) depend on each other. */
  readonly cluster: string;
  readonly first: boolean;
  readonly second: boolean;
}

/** How much more often the first answer is right than the second. */
export interface PairedDifference {
  /** Share of the first minus share of the second, -1 to 1. */
  readonly difference: number;
  /** 95 %; null where one cluster alone tells nothing about others. */
  readonly interval: Interval | null;
  /** Questions that only the first got right. */
  readonly onlyFirst: number;
  /** Questions that only the second got right. */
  readonly onlySecond: number;
}

const resamples = 2000;

/**
 * The difference between paired shares, with a percentile bootstrap interval that draws whole clusters.
 *
 * Questions about one picture are right or wrong together more often than questions about two; to draw them one by one would
 * make the interval too narrow. The draws are seeded: the same pairs give the same interval.
 *
 * @see B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13
 */
export function pairedDifference(pairs: readonly AnswerPair[]): PairedDifference {
  const onlyFirst = pairs.filter(({ first, second }) => first && !second).length;
  const onlySecond = pairs.filter(({ first, second }) => second && !first).length;
  const difference = pairs.length === 0 ? 0 : (onlyFirst - onlySecond) / pairs.length;
  return { difference, interval: bootstrap(clustersOf(pairs)), onlyFirst, onlySecond };
}

interface Cluster {
  /** Right first answers minus right second answers. */
  gain: number;
  questions: number;
}

function clustersOf(pairs: readonly AnswerPair[]): Cluster[] {
  const clusters = new Map<string, Cluster>();
  for (const { cluster: name, first, second } of pairs) {
    const cluster = clusters.get(name) ?? { gain: 0, questions: 0 };
    clusters.set(name, cluster);
    cluster.gain += Number(first) - Number(second);
    cluster.questions++;
  }
  return [...clusters.values()];
}

function bootstrap(clusters: readonly Cluster[]): Interval | null {
  if (clusters.length < 2) return null;
  const random = createRandom(0, "paired difference");
  const drawn = Float64Array.from({ length: resamples }, () => {
    let [gain, questions] = [0, 0];
    for (let draw = 0; draw < clusters.length; draw++) {
      const cluster = clusters[Math.floor(random() * clusters.length)]!;
      gain += cluster.gain;
      questions += cluster.questions;
    }
    return gain / questions;
  }).sort();
  return [drawn[Math.floor(0.025 * resamples)]!, drawn[Math.ceil(0.975 * resamples) - 1]!];
}
