import type { Backend } from "@fusion-vlm/core";
import { buildGraph, toOnnx } from "@fusion-vlm/core/graph";

const side = 768;
/** Enough for a steady clock, and over before anybody notices. */
const millisecondsMeasured = 300;

/** Operations per second of large float32 matrix products on the engine: what no training step exceeds. */
export async function matmulRate(backend: Backend): Promise<number> {
  const graph = buildGraph("fusion.matmul_rate", (op) => {
    const x = op.input("x", "float32", [side, side]);
    op.output("y", op.ReduceSum(op.MatMul(x, op.MatMul(x, x)), [0, 1]));
  });
  const { inputs, outputs } = graph;
  const program = await backend.compile({
    name: graph.name,
    bytes: toOnnx(graph),
    inputs,
    outputs: [...outputs].map(([name, value]) => ({ ...value, name })),
  });
  try {
    const x = await backend.allocate("float32", [side, side]);
    await program.run({ x });
    let [runs, seconds] = [0, 0];
    for (const begin = performance.now(); 1000 * seconds < millisecondsMeasured; runs++) {
      await program.run({ x });
      seconds = (performance.now() - begin) / 1000;
    }
    await x.dispose();
    return (runs * 2 * 2 * side ** 3) / seconds;
  } finally {
    await program.dispose();
  }
}
