export { createRandom } from "@fusion-vlm/core";

/** Uniform numbers in [0, 1), multiples of 2^-32; each call moves on. */
export type Random = () => number;

/** FNV-1a over the UTF-16 units with MurmurHash3's finaliser: 32 bits, the same everywhere. */
export function hashText(text: string, salt = 0): number {
  let hash = 0x811c9dc5 ^ Math.imul(salt, 0x9e3779b9);
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A whole number from 0 to `limit` - 1. */
export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

export function chance(random: Random, probability: number): boolean {
  return random() < probability;
}

/** One of a list that is not empty. */
export function pick<T>(random: Random, list: readonly T[]): T {
  return list[below(random, list.length)]!;
}

/** One of `[weight, choice]` pairs, as often as its weight says. */
export function pickWeighted<T>(random: Random, choices: readonly (readonly [weight: number, choice: T])[]): T {
  let rest = random() * choices.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, choice] of choices) {
    rest -= weight;
    if (rest < 0) return choice;
  }
  return choices.at(-1)![1];
}

/** The same elements in a random order (Fisher and Yates). */
export function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const result = [...list];
  for (let last = result.length - 1; last > 0; last--) {
    const other = below(random, last + 1);
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}
