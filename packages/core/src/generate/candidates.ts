/** Tokens that may be drawn, in the order of their ids. Weights are unnormalised probabilities of 0 or more. */
export interface Candidates {
  readonly ids: Uint32Array;
  readonly weights: Float64Array;
}

/**
 * Weight of every token: `exp((score - largest) / temperature)`, so that the largest is 1 and nothing overflows.
 *
 * @param scores - [V]
 */
export function allCandidates(scores: Float32Array, largest: number, temperature: number): Candidates {
  const ids = new Uint32Array(scores.length);
  for (let id = 0; id < ids.length; id++) ids[id] = id;
  return { ids, weights: weigh(scores, ids, largest, temperature) };
}

/** As {@link allCandidates}, for the k largest scores and those equal to the k-th. k is at least 1 and below V. */
export function topCandidates(scores: Float32Array, largest: number, temperature: number, k: number): Candidates {
  const least = kthLargest(scores, k);
  const ids: number[] = [];
  for (let id = 0; id < scores.length; id++) if (scores[id]! >= least) ids.push(id);
  return { ids: Uint32Array.from(ids), weights: weigh(scores, ids, largest, temperature) };
}

/**
 * The smallest set of likeliest tokens whose weights reach the share `p` of all; of equally likely ones the lowest ids.
 *
 * A token is kept when those before it, in falling order, have not reached p yet: one is always kept.
 */
export function nucleus({ ids, weights }: Candidates, p: number): Candidates {
  const total = sum(weights);
  // A kept token and all below it hold more than 1 - p together, and none below is larger than it:
  // so it holds more than an equal share of that, and whatever holds less need not be sorted.
  const share = ((1 - p) * total) / weights.length;
  const sorted = atLeast(weights, share).sort();
  let first = sorted.length - 1;
  for (let mass = sorted[first]!; first > 0 && mass < p * total; mass += sorted[first]!) first--;
  const least = sorted[first]!;
  let ties = sorted.lastIndexOf(least) - first + 1;

  const kept = { ids: new Uint32Array(sorted.length - first), weights: new Float64Array(sorted.length - first) };
  let count = 0;
  for (let i = 0; i < ids.length; i++) {
    const weight = weights[i]!;
    if (weight < least || (weight === least && ties-- <= 0)) continue;
    kept.ids[count] = ids[i]!;
    kept.weights[count++] = weight;
  }
  return kept;
}

/** The first id at which the cumulated share exceeds `uniform`, a number in [0, 1). */
export function draw({ ids, weights }: Candidates, uniform: number): number {
  const target = uniform * sum(weights);
  let cumulated = 0;
  let last = 0;
  for (let i = 0; i < ids.length; i++) {
    if (weights[i] === 0) continue;
    cumulated += weights[i]!;
    last = ids[i]!;
    if (cumulated > target) break;
  }
  return last;
}

function weigh(scores: Float32Array, ids: ArrayLike<number>, largest: number, temperature: number): Float64Array {
  const weights = new Float64Array(ids.length);
  for (let i = 0; i < ids.length; i++) weights[i] = Math.exp((scores[ids[i]!]! - largest) / temperature);
  return weights;
}

/** By a heap of the k largest seen so far, the least of them on top: most of a vocabulary costs one comparison. */
function kthLargest(values: Float32Array, k: number): number {
  const heap = values.slice(0, k).sort();
  for (let i = k; i < values.length; i++) {
    const value = values[i]!;
    if (value <= heap[0]!) continue;
    let hole = 0;
    for (let child = 1; child < k; child = 2 * hole + 1) {
      if (child + 1 < k && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= value) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = value;
  }
  return heap[0]!;
}

function atLeast(values: Float64Array, limit: number): Float64Array {
  const found = new Float64Array(values.length);
  let count = 0;
  for (const value of values) if (value >= limit) found[count++] = value;
  return found.subarray(0, count);
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
