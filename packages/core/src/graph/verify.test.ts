import { describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import { float32 } from "../tensor/index.ts";
import type { Graph } from "./graph.ts";
import type { Node, Value } from "./value.ts";
import { verifyGraph } from "./verify.ts";

const value = (name: string, kind: Value["kind"] = "computed", rest: Partial<Value> = {}): Value => ({
  name,
  kind,
  dtype: "float32",
  shape: ["B", 2],
  ...rest,
});
const node = (name: string, inputs: (Value | undefined)[], output: Value): Node => ({
  name,
  op: "Add",
  domain: "",
  inputs,
  outputs: [output],
  attributes: {},
});
const x = value("x", "input");
const y = value("y");
const sound: Graph = {
  name: "g",
  inputs: [x],
  parameters: [],
  nodes: [node("a/Add", [x, x], y)],
  outputs: new Map([["out", y]]),
  marks: new Map(),
};

describe("verifyGraph", () => {
  it("accepts a sound graph, shared constants included", () => {
    const one = value("one", "constant", { data: float32([], [1]), shape: [] });
    const z = value("z");
    const nodes = [node("a/Add", [x, one], y), node("b/Add", [y, one, undefined], z)];

    expect(() =>
      verifyGraph({
        ...sound,
        nodes,
        outputs: new Map([
          ["z", z],
          ["one_more", one],
        ]),
      }),
    ).not.toThrow();
  });

  it.each<[string, Partial<Graph>, string]>([
    [
      "a value used before it is computed",
      { nodes: [node("b/Add", [x, y], value("z")), node("a/Add", [x, x], y)] },
      'g: b/Add: expected input "y" to be defined by an earlier node, got inputs x [B, 2], y [B, 2]',
    ],
    [
      "a value of another graph that has a known name",
      { nodes: [node("a/Add", [value("x", "input"), undefined], y)] },
      'g: a/Add: expected input "x" to be defined by an earlier node, got inputs x [B, 2], -',
    ],
    [
      "two values of one name",
      { nodes: [...sound.nodes, node("b/Add", [x], value("y"))] },
      'g: b/Add: expected a unique name, got "y" twice, got inputs x [B, 2]',
    ],
    [
      "two nodes of one name",
      { nodes: [...sound.nodes, node("a/Add", [x], value("z"))] },
      "g: a/Add: expected a unique node name, got inputs x [B, 2]",
    ],
    [
      "two constants of one name",
      {
        nodes: [
          node(
            "a/Add",
            [value("c", "constant", { data: float32([], [1]) }), value("c", "constant", { data: float32([], [2]) })],
            y,
          ),
        ],
      },
      'g: a/Add: expected a unique name, got "c" twice, got inputs c [B, 2], c [B, 2]',
    ],
    [
      "a constant without data",
      { nodes: [node("a/Add", [value("c", "constant")], y)] },
      'g: a/Add: expected input "c" to hold the data of a constant, got inputs c [B, 2]',
    ],
    ["no output", { outputs: new Map() }, "g: expected at least one output, got a graph that breaks this"],
    [
      "an output that nothing computes",
      { outputs: new Map([["out", value("z")]]) },
      'g: expected output "out" to be defined by an earlier node, got a graph that breaks this',
    ],
    [
      "an output that takes the name of another value",
      { outputs: new Map([["x", y]]) },
      'g: expected output "x" not to take the name of another value, got a graph that breaks this',
    ],
    [
      "an output under the name of the input that it is",
      { outputs: new Map([["x", x]]) },
      'g: expected output "x" to have another name than the input it is, got a graph that breaks this',
    ],
  ])("refuses %s", (_case, change, message) => {
    let thrown: unknown;
    try {
      verifyGraph({ ...sound, ...change });
    } catch (error) {
      thrown = error;
    }

    expect(thrown).toBeInstanceOf(FusionError);
    expect(thrown).toMatchObject({ code: "GRAPH_INVALID", message });
  });
});
