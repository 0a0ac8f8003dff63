// What this machine can do at best, measured through the same engine in the same run: the bounds that other figures stand beside.

import { buildGraph, toOnnx } from "@fusion-vlm/core/graph";

/**
 * Median wall-clock seconds of `run`, after one call that warms caches and threads.
 *
 * At least `repeats` calls and `minSeconds`, but no new call after `maxSeconds`.
 */
export async function measure(run, { repeats = 5, minSeconds = 0.3, maxSeconds = Number.POSITIVE_INFINITY } = {}) {
  await run();
  const times = [];
  const begin = performance.now();
  const elapsed = () => (performance.now() - begin) / 1000;
  do {
    const start = performance.now();
    await run();
    times.push((performance.now() - start) / 1000);
    if (times.length >= 200) break;
  } while (elapsed() < maxSeconds && (times.length < repeats || elapsed() < minSeconds));
  return median(times);
}

/** The upper one of the two in the middle where there are two. */
export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** float32 matrix products of size [n, n]·[n, n], in FLOP/s. */
export async function matmulPeak(backend, n = 1536) {
  const graph = buildGraph("peak", (op) => {
    const a = op.input("a", "float32", [n, n]);
    const b = op.literal({ dtype: "float32", shape: [n, n], data: new Float32Array(n * n).fill(0.5) });
    op.output("y", op.ReduceSum(op.MatMul(a, b), [0, 1]));
  });
  const program = await compile(backend, graph);
  const a = { dtype: "float32", shape: [n, n], data: new Float32Array(n * n).fill(0.25) };
  const seconds = await measure(() => program.run({ a }));
  await program.dispose();
  return (2 * n ** 3) / seconds;
}

/** Bytes per second of one row times a matrix that does not fit any cache: what decoding one token is bound by. */
export async function streamPeak(backend, megabytes = 1024) {
  const columns = 4096;
  const rows = (megabytes * 2 ** 20) / 4 / columns;
  const graph = buildGraph("stream", (op) => {
    const x = op.input("x", "float32", [rows, columns]);
    op.output("y", op.ReduceSum(x, [0, 1]));
  });
  const program = await compile(backend, graph);
  const state = await backend.allocate("float32", [rows, columns]);
  const seconds = await measure(() => program.run({ x: state }));
  await program.dispose();
  await state.dispose();
  return (megabytes * 2 ** 20) / seconds;
}

function compile(backend, graph) {
  const info = ({ name, dtype, shape }) => ({ name, dtype, shape });
  const outputs = [...graph.outputs].map(([name, value]) => info({ ...value, name }));
  return backend.compile({ name: graph.name, bytes: toOnnx(graph), inputs: graph.inputs.map(info), outputs });
}
