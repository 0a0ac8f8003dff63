import { describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import { float32, int64 } from "../tensor/index.ts";
import { GraphBuilder } from "./builder.ts";
import type { Value } from "./value.ts";

const scalar = [{ dtype: "float32", shape: [] }] as const;
const apply = (builder: GraphBuilder, op: string, ...inputs: Value[]) =>
  builder.node({ op, inputs, outputs: scalar })[0]!;

function errorOf(act: () => unknown): FusionError {
  try {
    act();
  } catch (error) {
    if (FusionError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("names", () => {
  it("are the scope path, the operator, and a number where it repeats in that scope", () => {
    const builder = new GraphBuilder("g");
    const x = builder.input("x", "float32", []);

    const outside = apply(builder, "Neg", x);
    const inside = builder.scope("model.layers.0", () => [
      apply(builder, "Neg", x),
      apply(builder, "Neg", x),
      apply(builder, "Exp", x),
      builder.scope("mlp", () => apply(builder, "Neg", x)),
    ]);
    const again = builder.scope("model.layers.0", () => apply(builder, "Neg", x));

    expect([outside, ...inside, again].map(({ name }) => name)).toEqual([
      "Neg",
      "model.layers.0/Neg",
      "model.layers.0/Neg_1",
      "model.layers.0/Exp",
      "model.layers.0.mlp/Neg",
      "model.layers.0/Neg_2",
    ]);
  });

  it("number the outputs of a node that has several", () => {
    const builder = new GraphBuilder("g");
    const x = builder.input("x", "float32", [2]);
    const outputs = builder.node({ op: "Split", inputs: [x], outputs: [...scalar, ...scalar] });

    expect(outputs.map(({ name }) => name)).toEqual(["Split:0", "Split:1"]);
  });

  it("leave the scope also when its body throws", () => {
    const builder = new GraphBuilder("g");
    expect(() =>
      builder.scope("broken", () => {
        throw new Error("stop");
      }),
    ).toThrow("stop");

    expect(builder.path).toBe("g");
    expect(apply(builder, "Neg", builder.input("x", "float32", [])).name).toBe("Neg");
  });

  it.each<[string, (builder: GraphBuilder) => void, string]>([
    ["an input", (b) => b.input("x", "float32", []), 'g: expected value "x" once, got the name twice'],
    ["a parameter", (b) => b.parameter("x", []), 'g: expected value "x" once, got the name twice'],
    ["an output", (b) => b.output("y", b.input("z", "float32", [])), 'g: expected output "y" once, got the name twice'],
    ["a mark", (b) => b.mark("m", b.input("z", "float32", [])), 'g: expected mark "m" once, got the name twice'],
  ])("cannot be given twice to %s", (_kind, act, message) => {
    const builder = new GraphBuilder("g");
    const x = builder.input("x", "float32", []);
    builder.output("y", x);
    builder.mark("m", x);

    const error = errorOf(() => act(builder));

    expect(error.code).toBe("GRAPH_INVALID");
    expect(error.message).toBe(message);
  });
});

describe("parameters and constants", () => {
  it("gives one value for a parameter asked for twice", () => {
    const builder = new GraphBuilder("g");

    expect(builder.parameter("w", [2, 3])).toBe(builder.parameter("w", [2, 3]));
    expect(builder.build().parameters).toHaveLength(1);
  });

  it("refuses a parameter of two shapes", () => {
    const builder = new GraphBuilder("g");
    builder.parameter("w", [2, 3]);

    expect(errorOf(() => builder.parameter("w", [3, 2])).message).toBe(
      "w: expected the shape [2, 3] as before, got [3, 2]",
    );
  });

  it("shares equal small constants, and only those", () => {
    const builder = new GraphBuilder("g");
    const one = builder.constant(float32([2], [1, 2]));
    const large = () => builder.constant(float32([65], new Array(65).fill(0)));

    expect(builder.constant(float32([2], [1, 2]))).toBe(one);
    expect(builder.constant(float32([1, 2], [1, 2]))).not.toBe(one);
    expect(builder.constant(float32([2], [1, 3]))).not.toBe(one);
    expect(builder.constant(int64([2], [1, 2]))).not.toBe(one);
    expect(large()).not.toBe(large());
  });

  it("tells 0 from −0, which a division would notice", () => {
    const builder = new GraphBuilder("g");

    expect(builder.constant(float32([], [0]))).not.toBe(builder.constant(float32([], [-0])));
  });
});

describe("sizes at run time", () => {
  it("come from the first input that carries a symbol on its own", () => {
    const builder = new GraphBuilder("g");
    builder.input("a", "float32", ["4*B", 3]);
    const b = builder.input("b", "float32", [7, "B"]);
    builder.input("c", "float32", ["B"]);

    expect(builder.dimSource("B")).toEqual({ value: b, axis: 1 });
  });

  it("name what is missing and what there is", () => {
    const builder = new GraphBuilder("g");
    builder.input("a", "float32", ["B", "S"]);

    const error = errorOf(() => builder.scope("model.norm", () => builder.dimSource("T")));

    expect(error.code).toBe("GRAPH_INVALID");
    expect(error.message).toBe('model.norm: expected an input with a dimension "T", got inputs with B, S');
  });
});
