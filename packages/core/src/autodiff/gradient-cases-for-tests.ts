import type { Dim, Value } from "../graph/index.ts";
import type { DifferentiableOperatorName, OpBuilder } from "../ops/index.ts";

/** One use of an operator whose gradients are compared with differences of its results. */
export interface GradientCase {
  readonly operator: DifferentiableOperatorName;
  /** What is special about this use. */
  readonly what: string;
  /** Shapes of the inputs, which are all differentiated. */
  readonly inputs: readonly (readonly Dim[])[];
  /** Values lie in this range; −2 to 2 when absent. */
  readonly range?: readonly [number, number];
  readonly build: (op: OpBuilder, inputs: readonly Value[]) => Value;
  /** The operator in float64, element by element, where the engine's own is no help: one input. */
  readonly float64?: (x: number) => number;
}

/** Sizes of the named dimensions in the cases. */
export const caseSizes = { B: 2, S: 3, T: 4 } as const;

const indices = (op: OpBuilder, shape: readonly number[], values: readonly number[]) =>
  op.literal({ dtype: "int64", shape, data: BigInt64Array.from(values, BigInt) });

const unaries: readonly (readonly [
  DifferentiableOperatorName & ("Neg" | "Sqrt" | "Exp" | "Log" | "Sin" | "Cos" | "Tanh" | "Sigmoid" | "Erf"),
  (readonly [number, number])?,
  ((x: number) => number)?,
])[] = [
  ["Neg"],
  ["Sqrt", [0.5, 3]],
  ["Exp"],
  ["Log", [0.5, 3]],
  ["Sin"],
  ["Cos", undefined, Math.cos],
  ["Tanh"],
  ["Sigmoid"],
  ["Erf", undefined, erf],
];

const binaries = ["Add", "Sub", "Mul", "Div", "Max", "Min", "Pow"] as const;
const operands: readonly (readonly [string, readonly Dim[], readonly Dim[]])[] = [
  ["operands of one shape", ["B", "S"], ["B", "S"]],
  ["a row repeated over a batch", ["B", "S"], ["S"]],
  ["a column times a row", ["S", 1], ["B", 1, "T"]],
  ["a scalar beside a matrix", [], ["B", "S"]],
];

export const gradientCases: readonly GradientCase[] = [
  ...unaries.map(
    ([operator, range, float64]): GradientCase => ({
      operator,
      what: "element by element",
      inputs: [["B", "S"]],
      range,
      float64,
      build: (op, [x]) => op[operator](x!),
    }),
  ),
  ...binaries.flatMap((operator) =>
    operands.map(
      ([what, a, b]): GradientCase => ({
        operator,
        what,
        inputs: [a, b],
        range: operator === "Pow" || operator === "Div" ? [0.5, 2] : undefined,
        build: (op, [x, y]) => op[operator](x!, y!),
      }),
    ),
  ),
  {
    operator: "Pow",
    what: "a negative base under a whole power",
    inputs: [["B", "S"]],
    build: (op, [x]) => op.Pow(x!, 3),
  },
  {
    operator: "Where",
    what: "both branches broadcast",
    inputs: [["B", "S"], ["S"], []],
    build: (op, [x, a, b]) => op.Where(op.Greater(x!, 0), op.Mul(a!, a!), op.Mul(b!, x!)),
  },
  {
    operator: "Cast",
    what: "there and back",
    inputs: [["B", "S"]],
    build: (op, [x]) => op.Cast(op.Mul(op.Cast(x!, x!.dtype === "float32" ? "float64" : "float32"), 3), x!.dtype),
    float64: (x) => 3 * x,
  },
  {
    operator: "Gelu",
    what: "exact",
    inputs: [["B", "S"]],
    build: (op, [x]) => op.Gelu(x!),
    float64: (x) => (x / 2) * (1 + erf(x * Math.SQRT1_2)),
  },
  {
    operator: "Gelu",
    what: "with tanh",
    inputs: [["B", "S"]],
    build: (op, [x]) => op.Gelu(x!, "tanh"),
    float64: (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  },
  {
    operator: "MatMul",
    what: "matrices",
    inputs: [
      ["B", "S"],
      ["S", "T"],
    ],
    build: (op, [a, b]) => op.MatMul(a!, b!),
  },
  {
    operator: "MatMul",
    what: "batches",
    inputs: [
      ["B", 2, "S", "T"],
      ["B", 2, "T", 5],
    ],
    build: (op, [a, b]) => op.MatMul(a!, b!),
  },
  {
    operator: "MatMul",
    what: "one matrix for all batches, on the right",
    inputs: [
      ["B", "S", "T"],
      ["T", 5],
    ],
    build: (op, [a, b]) => op.MatMul(a!, b!),
  },
  {
    operator: "MatMul",
    what: "one matrix for all batches, on the left",
    inputs: [
      ["S", "T"],
      ["B", 1, "T", 5],
    ],
    build: (op, [a, b]) => op.MatMul(a!, b!),
  },
  ...[0, 1].flatMap((transA) =>
    [0, 1].map(
      (transB): GradientCase => ({
        operator: "Gemm",
        what: `transA ${transA}, transB ${transB}, with a bias`,
        inputs: [transA ? ["S", "B"] : ["B", "S"], transB ? [5, "S"] : ["S", 5], [5]],
        build: (op, [a, b, c]) => op.Gemm(a!, b!, c, { transA, transB }),
      }),
    ),
  ),
  {
    operator: "Gemm",
    what: "with a bias for each element",
    inputs: [
      ["B", "S"],
      ["S", 5],
      ["B", 5],
    ],
    build: (op, [a, b, c]) => op.Gemm(a!, b!, c),
  },
  {
    operator: "Gemm",
    what: "without a bias",
    inputs: [
      ["B", "S"],
      ["S", 5],
    ],
    build: (op, [a, b]) => op.Gemm(a!, b!),
  },
  ...(["Softmax", "LogSoftmax"] as const).flatMap((operator) =>
    [-1, 1].map(
      (axis): GradientCase => ({
        operator,
        what: `along axis ${axis}`,
        inputs: [["B", "S", "T"]],
        build: (op, [x]) => op[operator](x!, axis),
      }),
    ),
  ),
  {
    operator: "LayerNormalization",
    what: "over the last axis",
    inputs: [["B", "S", 5], [5], [5]],
    build: (op, [x, scale, bias]) => op.LayerNormalization(x!, scale!, bias!, 1e-3),
  },
  ...(["ReduceSum", "ReduceMean", "ReduceMax"] as const).flatMap((operator) => [
    {
      operator,
      what: "two axes kept",
      inputs: [["B", "S", "T"]],
      build: (op: OpBuilder, [x]: readonly Value[]) => op[operator](x!, [0, -1]),
    },
    {
      operator,
      what: "an axis dropped",
      inputs: [["B", "S", 4]],
      build: (op: OpBuilder, [x]: readonly Value[]) => op[operator](x!, [1], false),
    },
    {
      operator,
      what: "down to a scalar",
      inputs: [["B", 3]],
      build: (op: OpBuilder, [x]: readonly Value[]) => op[operator](x!, [0, 1], false),
    },
  ]),
  {
    operator: "Transpose",
    what: "a cycle of three axes",
    inputs: [["B", "S", "T"]],
    build: (op, [x]) => op.Transpose(x!, [2, 0, 1]),
  },
  {
    operator: "Reshape",
    what: "to other axes",
    inputs: [["B", "S", 4]],
    build: (op, [x]) => op.Reshape(x!, ["2*B", 2, "S"]),
  },
  {
    operator: "Expand",
    what: "along old and new axes",
    inputs: [["B", 1]],
    build: (op, [x]) => op.Expand(x!, [5, "B", "B + 1"]),
  },
  {
    operator: "Concat",
    what: "three parts, one of them twice, along a negative axis",
    inputs: [
      ["B", "S"],
      ["B", 2],
    ],
    build: (op, [a, b]) => op.Concat([b!, a!, b!], -1),
  },
  {
    operator: "Split",
    what: "one piece unused",
    inputs: [["B", 6]],
    build: (op, [x]) => {
      const [a, , c] = op.Split(x!, [2, 1, 3], -1);
      return op.Concat([c!, a!], 1);
    },
  },
  { operator: "Slice", what: "constant bounds", inputs: [["B", 5]], build: (op, [x]) => op.Slice(x!, 1, 1, 4) },
  {
    operator: "Slice",
    what: "a negative axis and negative bounds",
    inputs: [["B", "T"]],
    build: (op, [x]) => op.Slice(x!, -1, -3, -1),
  },
  {
    operator: "Slice",
    what: "up to a run-time size",
    inputs: [["B", "S"]],
    build: (op, [x]) => op.SliceTo(x!, 1, op.resolve("B")),
  },
  {
    operator: "Slice",
    what: "from a run-time size, along a negative axis",
    inputs: [["B", "S"]],
    build: (op, [x]) => op.SliceFrom(x!, -1, op.resolve("B")),
  },
  {
    operator: "Gather",
    what: "rows, some picked several times",
    inputs: [[5, "S"]],
    build: (op, [x]) => op.Gather(x!, indices(op, [2, 3], [4, 1, 1, 0, -1, 1])),
  },
  {
    operator: "Gather",
    what: "an inner axis",
    inputs: [["B", 4, "S"]],
    build: (op, [x]) => op.Gather(x!, indices(op, [3], [2, 2, 0]), -2),
  },
  {
    operator: "Gather",
    what: "one row, whose axis goes",
    inputs: [["B", 4]],
    build: (op, [x]) => op.Gather(x!, indices(op, [], [3]), 1),
  },
  {
    operator: "GatherElements",
    what: "one place twice",
    inputs: [[2, 4]],
    build: (op, [x]) => op.GatherElements(x!, indices(op, [2, 3], [3, 3, 0, 1, 2, 1]), 1),
  },
  {
    operator: "ScatterElements",
    what: "two updates in one place",
    inputs: [
      [3, 2],
      [4, 2],
    ],
    build: (op, [data, updates]) =>
      op.ScatterElements(data!, indices(op, [4, 2], [0, 2, 0, 1, 2, 2, 0, 0]), updates!, 0),
  },
];

/** erf by its Taylor series, exact to float64 for |x| ≤ 3. */
function erf(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; n < 60; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
