import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { type Dim, prune, type Value } from "../graph/index.ts";
import { buildGraph, defineOperator, OpBuilder } from "../ops/index.ts";
import { float32, int64, type Tensor } from "../tensor/index.ts";
import { runGraph } from "../testing/index.ts";
import { type GradientRules, gradientRules, gradients, type RuleOf, rule, zerosLike } from "./index.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

const ours = gradientRules as unknown as GradientRules;
const total = (op: OpBuilder, x: Value) => op.ReduceSum(x, [...x.shape.keys()], false);

/** Gradients of what `build` returns with respect to inputs of the given shapes. */
async function differentiate(
  tensors: readonly Tensor[],
  build: (op: OpBuilder, inputs: readonly Value[]) => Value,
  rules?: GradientRules,
): Promise<number[][]> {
  const graph = buildGraph("g", (op) => {
    const inputs = tensors.map(({ dtype, shape }, index) => op.input(`x${index}`, dtype, shape));
    const loss = build(op, inputs);
    gradients(op, loss, inputs, { rules }).forEach((gradient, index) => {
      op.output(`d${index}`, gradient);
    });
  });
  const feeds = Object.fromEntries(tensors.map((tensor, index) => [`x${index}`, tensor]));
  const fetched = await runGraph(backend, graph, feeds);
  return tensors.map((_, index) => Array.from(fetched[`d${index}`]!.data as Float32Array));
}

/** A builder with inputs of these shapes, for what fails before anything runs. */
function builder(...shapes: (readonly Dim[])[]): { op: OpBuilder; inputs: Value[] } {
  const op = new OpBuilder("g");
  return { op, inputs: shapes.map((shape, index) => op.input(`x${index}`, "float32", shape)) };
}

describe("gradients", () => {
  it("adds up what comes back along every use of a value", async () => {
    // x² + 3x: 2x + 3
    const [d] = await differentiate([float32([2], [5, -1])], (op, [x]) =>
      total(op, op.Add(op.Mul(x!, x!), op.Mul(x!, 3))),
    );

    expect(d).toEqual([13, 1]);
  });

  it("is 1 for the loss itself", async () => {
    expect(await differentiate([float32([], [7])], (_op, [x]) => x!)).toEqual([[1]]);
  });

  it("is zeros for what the loss does not depend on", async () => {
    const tensors = [float32([2], [1, 2]), float32([2, 2], [1, 2, 3, 4])];

    expect(await differentiate(tensors, (op, [x]) => total(op, x!))).toEqual([
      [1, 1],
      [0, 0, 0, 0],
    ]);
  });

  it("is zeros of named sizes for an input that nobody uses", async () => {
    const graph = buildGraph("g", (op) => {
      const [x, unused] = [op.input("x", "float32", ["B"]), op.input("unused", "float64", ["B", "S"])];
      const [d] = gradients(op, total(op, x), [unused]);
      op.output("d", d!);
    });

    const unused: Tensor = { dtype: "float64", shape: [2, 3], data: new Float64Array(6).fill(1) };
    const { d } = await runGraph(backend, graph, { x: float32([2], [1, 2]), unused });
    expect(d).toEqual({ dtype: "float64", shape: [2, 3], data: new Float64Array(6) });
  });

  it("ends at comparisons and whole numbers", async () => {
    const [d] = await differentiate([float32([3], [0.2, 1.7, 2.6])], (op, [x]) => {
      const whole = op.Cast(op.Cast(x!, "int64"), "float32");
      return total(op, op.Where(op.Greater(x!, 1), op.Mul(x!, whole), 0)); // floor(x)·x above 1
    });

    expect(d).toEqual([0, 1, 2]);
  });

  it("reaches values in the middle of a graph without differentiating what made them", async () => {
    const Opaque = defineOperator({ ...sameShape, name: "Identity", differentiable: false });
    const graph = buildGraph("g", (op) => {
      const middle = op.apply(Opaque, [op.input("x", "float32", [2])], {})[0]!;
      const [d] = gradients(op, total(op, op.Mul(middle, middle)), [middle]);
      op.output("d", d!);
    });

    expect((await runGraph(backend, graph, { x: float32([2], [3, 4]) })).d!.data).toEqual(Float32Array.of(6, 8));
  });

  it("differentiates its own result", async () => {
    const graph = buildGraph("g", (op) => {
      const x = op.input("x", "float32", []);
      const [first] = gradients(op, op.Pow(x, 3), [x]); // 3x²
      const [second] = gradients(op, first!, [x]); // 6x
      op.output("first", first!);
      op.output("second", second!);
    });

    const { first, second } = await runGraph(backend, graph, { x: float32([], [2]) });
    expect([first!.data[0], second!.data[0]]).toEqual([12, 12]);
  });

  it("writes nothing for branches that lead elsewhere", () => {
    const { op, inputs } = builder(["B"], ["B"]);
    const [x, frozen] = inputs as [Value, Value];
    op.output("side", op.Exp(x));
    const loss = total(op, op.Mul(x, op.Tanh(frozen)));
    const before = op.build().nodes.length;

    gradients(op, loss, [x]);

    const written = op.build().nodes.slice(before);
    expect(written.map(({ op: name }) => name).sort()).toEqual(["Expand", "Mul", "Reshape", "Shape"]);
  });
});

describe("equal elements", () => {
  it("share the gradient of ReduceMax", async () => {
    const [d] = await differentiate([float32([2, 3], [1, 4, 4, 2, 2, 2])], (op, [x]) =>
      total(op, op.ReduceMax(x!, [1])),
    );

    expect(d!.map((value) => Math.fround(value))).toEqual([
      0,
      0.5,
      0.5,
      ...[1, 1, 1].map((one) => Math.fround(one / 3)),
    ]);
  });

  it("give the gradient of Max and Min to the first operand", async () => {
    const tensors = [float32([2], [1, 1]), float32([2], [1, 2])];

    expect(await differentiate(tensors, (op, [a, b]) => total(op, op.Max(a!, b!)))).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(await differentiate(tensors, (op, [a, b]) => total(op, op.Min(a!, b!)))).toEqual([
      [1, 1],
      [0, 0],
    ]);
  });
});

describe("Pow at its edges", () => {
  it("has finite gradients at a base of zero", async () => {
    const tensors = [float32([3], [0, 0, 0]), float32([3], [0, 1, 2])];

    expect(await differentiate(tensors, (op, [a, b]) => total(op, op.Pow(a!, b!)))).toEqual([
      [0, 1, 0],
      [0, 0, 0],
    ]);
  });
});

const sameShape = {
  inputs: ["x"],
  attributes: {},
  infer: ({ input }: { input(index: number): Value }) => [{ dtype: input(0).dtype, shape: input(0).shape }],
} as const;

/** y = x + sin²(αx)/α (Ziyin et al. 2020), as a plugin would define it for an engine that has such a kernel. */
const Snake = defineOperator({
  ...sameShape,
  name: "Snake",
  domain: "com.example",
  attributes: { alpha: "float" },
  differentiable: true,
});

/** dy/dx = 1 + sin 2αx */
const snakeRule = rule<{ readonly alpha: number }>(({ op, input, attributes: { alpha } }, dy) => [
  () => op.Mul(dy, op.Add(1, op.Sin(op.Mul(input(0), 2 * alpha)))),
]);

describe("operators of plugins", () => {
  it("are differentiated by rules passed in, under their domain and name", async () => {
    // y = x·σ(αx), which ONNX Runtime has beside the standard operators.
    const QuickGelu = defineOperator({
      ...sameShape,
      name: "QuickGelu",
      domain: "com.microsoft",
      attributes: { alpha: "float" },
      differentiable: true,
    });
    const quickGeluRule = rule<{ readonly alpha: number }>(({ op, input, outputs, attributes: { alpha } }, dy) => {
      const sigmoid = op.Sigmoid(op.Mul(input(0), alpha));
      return [() => op.Mul(dy, op.Add(sigmoid, op.Mul(op.Mul(outputs[0]!, alpha), op.Sub(1, sigmoid))))];
    });
    const alpha = 1.702;

    const [d] = await differentiate(
      [float32([2], [0.3, -1.2])],
      (op, [x]) => total(op, op.Mul(op.apply(QuickGelu, [x!], { alpha })[0]!, 2)),
      { ...ours, "com.microsoft.QuickGelu": quickGeluRule as GradientRules[string] },
    );

    const f = (x: number) => (2 * x) / (1 + Math.exp(-alpha * x));
    expect(d![0]).toBeCloseTo((f(0.3 + 1e-6) - f(0.3 - 1e-6)) / 2e-6, 5);
    expect(d![1]).toBeCloseTo((f(-1.2 + 1e-6) - f(-1.2 - 1e-6)) / 2e-6, 5);
  });

  it("need no kernel where their rule alone is run", async () => {
    const graph = buildGraph("g", (op) => {
      const x = op.input("x", "float32", ["B"]);
      const loss = total(op, op.apply(Snake, [x], { alpha: 0.7 })[0]!);
      const rules = { ...ours, "com.example.Snake": snakeRule as GradientRules[string] };
      op.output("d", gradients(op, loss, [x], { rules })[0]!);
    });

    const { d } = await runGraph(backend, prune(graph), { x: float32([2], [0.3, -1.2]) });
    expect(d!.data[0]).toBeCloseTo(1 + Math.sin(1.4 * 0.3), 5);
    expect(d!.data[1]).toBeCloseTo(1 + Math.sin(1.4 * -1.2), 5);
  });

  it("receive their attributes", () => {
    const { op, inputs } = builder(["B"]);
    const loss = total(op, op.apply(Snake, [inputs[0]!], { alpha: 0.5 })[0]!);
    const seen: unknown[] = [];
    const spy = rule<{ readonly alpha: number }>(({ attributes }, dy) => {
      seen.push(attributes);
      return [() => dy];
    });

    gradients(op, loss, inputs, { rules: { ...ours, "com.example.Snake": spy as GradientRules[string] } });

    expect(seen).toEqual([{ alpha: 0.5 }]);
  });

  it("do not inherit the rule of a namesake", () => {
    const { op, inputs } = builder(["B"]);
    const Namesake = defineOperator({ ...sameShape, name: "Neg", domain: "com.example", differentiable: true });
    const loss = total(op, op.apply(Namesake, [inputs[0]!], {})[0]!);

    expect(() => gradients(op, loss, inputs)).toThrow("none for operator com.example.Neg");
  });
});

describe("a mistake", () => {
  const square = (op: OpBuilder, x: Value) => op.scope("block.0", () => total(op, op.Exp(x)));
  const withExp = (body: RuleOf<"Exp">): { rules: GradientRules } => ({ rules: { ...ours, Exp: body as never } });

  it("of a missing rule names operator and node", () => {
    const { op, inputs } = builder(["B"]);
    const loss = op.scope("block.0", () => total(op, op.apply(Snake, [inputs[0]!], { alpha: 1 })[0]!));

    expect(() => gradients(op, loss, inputs)).toThrow(
      "gradient of block.0/Snake: expected a gradient rule, got none for operator com.example.Snake",
    );
  });

  it("of a rule's shape names operator, node and input", () => {
    const { op, inputs } = builder(["B", 2]);
    const wrong = withExp((application, dys) => [() => application.op.ReduceSum(dys[0]!, [0])]);

    expect(() => gradients(op, square(op, inputs[0]!), inputs, wrong)).toThrow(
      "gradient of Exp (block.0/Exp) for input 0: expected [B, 2], got [1, 2]",
    );
  });

  it("of a rule's dtype names operator, node and input", () => {
    const { op, inputs } = builder(["B"]);
    const wrong = withExp((application, dys) => [() => application.op.Cast(dys[0]!, "float64")]);

    expect(() => gradients(op, square(op, inputs[0]!), inputs, wrong)).toThrow(
      "gradient of Exp (block.0/Exp) for input 0: expected float32, got float64",
    );
  });

  it("of a rule that forgets an input is no silent zero", () => {
    const { op, inputs } = builder(["B"]);

    expect(() =>
      gradients(
        op,
        square(op, inputs[0]!),
        inputs,
        withExp(() => []),
      ),
    ).toThrow("gradient of Exp (block.0/Exp) for input 0: expected a gradient from the rule, got nothing");
  });

  it("is not a rule that says zero", async () => {
    const zero = withExp(({ op, input }) => [() => zerosLike(op, input(0))]);

    expect(await differentiate([float32([2], [1, 2])], (op, [x]) => total(op, op.Exp(x!)), zero.rules)).toEqual([
      [0, 0],
    ]);
  });

  it("of a loss that is no scalar says so", () => {
    const { op, inputs } = builder(["B"]);

    expect(() => gradients(op, op.Exp(inputs[0]!), inputs)).toThrow("loss Exp: expected a scalar, got [B]");
  });

  it("of whole numbers says so", () => {
    const { op, inputs } = builder(["B"]);
    const ids = op.input("ids", "int64", ["B"]);

    expect(() => gradients(op, total(op, inputs[0]!), [ids])).toThrow(
      "gradient for ids: expected floating-point numbers, got int64",
    );
  });

  it("of a value from another graph says so", () => {
    const { op, inputs } = builder(["B"]);

    expect(() => gradients(op, total(op, inputs[0]!), builder(["B"]).inputs)).toThrow(
      "gradient for x0: expected a value of graph g, got one of another graph",
    );
  });

  it("is a slice whose place cannot be known", () => {
    const { op, inputs } = builder(["B", "S"]);
    const bound = (name: string) => op.input(name, "int64", [1]);
    const slice = { op: "Slice", outputs: [{ dtype: "float32" as const, shape: [1, "S"] }] };
    const cut = op.node({ ...slice, inputs: [inputs[0]!, bound("start"), bound("end"), op.ints([0])] })[0]!;

    expect(() => gradients(op, total(op, cut), inputs)).toThrow(
      "gradient of Slice (Slice) for input 0: expected a slice with a constant start, or one to the end of its axis, got nothing",
    );
  });
});

describe("fifty repeats with two threads", () => {
  it("give the same bits, though rows are gathered and scattered many times", async () => {
    const threaded = await nodeBackend({ worker: false, device: "cpu", threads: 2 });
    const [rows, width, picks] = [50, 64, 4000];
    const numbers = (count: number, scale: number) =>
      Float32Array.from({ length: count }, (_, i) => Math.sin(i * scale));
    const repeated = int64(
      [picks],
      Int32Array.from({ length: picks }, (_, i) => (i * i + 3 * i) % rows),
    );
    const graph = buildGraph("g", (op) => {
      const table = op.input("table", "float32", [rows, width]);
      const indices = op.input("indices", "int64", [picks]);
      const picked = op.Gather(table, indices); // [picks, width]
      const column = op.Expand(op.Reshape(indices, [picks, 1]), [picks, width]);
      const scattered = op.ScatterElements(table, column, op.Sin(picked), 0);
      const [d] = gradients(op, total(op, op.Mul(op.Tanh(scattered), scattered)), [table]);
      op.output("d", d!);
    });

    const seen = new Set<string>();
    for (let repeat = 0; repeat < 50; repeat++) {
      const feeds = { table: float32([rows, width], numbers(rows * width, 0.37)), indices: repeated };
      const { d } = await runGraph(threaded, graph, feeds);
      seen.add(Buffer.from(d!.data.buffer, d!.data.byteOffset, d!.data.byteLength).toString("base64"));
    }
    await threaded.dispose();

    expect(seen.size).toBe(1);
    expect(Buffer.from([...seen][0]!, "base64").some((byte) => byte !== 0)).toBe(true);
  });
});
