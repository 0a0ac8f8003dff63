import type { Backend } from "@fusion-vlm/core";
import { buildGraph, toOnnx } from "@fusion-vlm/core/graph";

const side = 768;
/** Long enough to see a busy machine busy. */
const millisecondsMeasured = 800;

/** Operations per second of large float32 matrix products on the engine: what no training step exceeds. */
export interface MatmulRate {
  /** As the machine is by and by. */
  readonly mean: number;
  /** Of the quickest run: as it is when nobody else computes. */
  readonly best: number;
}

export async function matmulRate(backend: Backend): Promise<MatmulRate> {
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
    const seconds: number[] = [];
    for (const begin = performance.now(); performance.now() - begin < millisecondsMeasured; ) {
      const before = performance.now();
      await program.run({ x });
      seconds.push((performance.now() - before) / 1000);
    }
    await x.dispose();
    const flops = 2 * 2 * side ** 3;
    const sum = seconds.reduce((total, each) => total + each, 0);
    return { mean: (flops * seconds.length) / sum, best: flops / Math.min(...seconds) };
  } finally {
    await program.dispose();
  }
}
