import { FusionError } from "../errors/index.ts";
import { type Dtype, type Tensor, zeros } from "../tensor/index.ts";
import { type Dim, dim, formatShape, type Shape, substituteDim } from "./dims.ts";
import type { Graph } from "./graph.ts";
import type { Attribute, Node, Value, ValueKind } from "./value.ts";

/** Where the size of a symbolic dimension can be read at run time. */
export interface DimSource {
  readonly value: Value;
  readonly axis: number;
}

/** Constants with more elements are not compared with one another. */
const largestShared = 64;

export interface NodeSpec {
  op: string;
  domain?: string;
  inputs: readonly (Value | undefined)[];
  attributes?: Readonly<Record<string, Attribute>>;
  outputs: readonly { dtype: Dtype; shape: Shape }[];
}

/**
 * Collects nodes, names, scopes and constants; it knows no operator.
 *
 * The typed operators stand on it in `ops/`. Names are unique: a scope path (`model.layers.0.mlp`), a slash, the
 * operator, and a number where the operator repeats in that scope.
 */
export class GraphBuilder {
  readonly #nodes: Node[] = [];
  readonly #producers = new Map<Value, Node>();
  readonly #inputs: Value[] = [];
  readonly #parameters = new Map<string, Value>();
  readonly #outputs = new Map<string, Value>();
  readonly #marks = new Map<string, Value>();
  readonly #constants = new Map<string, Value>();
  readonly #dimSources = new Map<string, DimSource>();
  readonly #counts = new Map<string, number>();
  readonly #names = new Set<string>();
  #scope: string[] = [];

  /** @param sizes - numbers for named dimensions: the same code then builds a graph of fixed shapes */
  constructor(
    readonly name: string,
    readonly sizes: Readonly<Record<string, number>> = {},
  ) {}

  /** A dimension in canonical form, with the sizes of this graph filled in. */
  resolve(size: Dim): Dim {
    return substituteDim(dim(size), this.sizes);
  }

  /** Runs `body` with `path` in front of the names of its nodes. */
  scope<T>(path: string, body: () => T): T {
    this.#scope.push(path);
    try {
      return body();
    } finally {
      this.#scope.pop();
    }
  }

  /** The current scope path, for messages. */
  get path(): string {
    return this.#scope.join(".") || this.name;
  }

  /** Declares a fed value. Each plain symbol in its shape (`"B"`, not `"4*B"`) can from then on be read at run time. */
  input(name: string, dtype: Dtype, shape: Shape): Value {
    const resolved = shape.map((size) => this.resolve(size));
    const value = this.#value(name, "input", dtype, resolved);
    this.#inputs.push(value);
    value.shape.forEach((size, axis) => {
      if (isSymbol(size) && !this.#dimSources.has(size)) {
        this.#dimSources.set(size, { value, axis });
      }
    });
    return value;
  }

  /** A checkpoint tensor by its checkpoint name; asking twice gives the same value, another shape throws GRAPH_INVALID. */
  parameter(name: string, shape: readonly number[]): Value {
    const known = this.#parameters.get(name);
    if (known) {
      if (known.shape.length !== shape.length || known.shape.some((size, axis) => size !== shape[axis])) {
        throw graphError(
          name,
          `the shape ${formatShape(known.shape)} as before`,
          formatShape(shape),
          "Ask for a parameter with one shape.",
        );
      }
      return known;
    }
    const value = this.#value(name, "parameter", "float32", shape);
    this.#parameters.set(name, value);
    return value;
  }

  /** A constant; equal small constants are shared. */
  constant(data: Tensor): Value {
    const key = data.data.length <= largestShared ? contentKey(data) : undefined;
    const known = key && this.#constants.get(key);
    if (known) return known;
    const count = this.#next("constant");
    const value: Value = { ...this.#value(`constant_${count}`, "constant", data.dtype, data.shape), data };
    if (key) this.#constants.set(key, value);
    return value;
  }

  /** A zero-filled constant. */
  zeros(dtype: Dtype, shape: readonly number[]): Value {
    return this.constant(zeros(dtype, shape));
  }

  /** Appends one node and returns its outputs. */
  node({ op, domain = "", inputs, attributes = {}, outputs }: NodeSpec): Value[] {
    const path = `${this.#scope.join(".")}${this.#scope.length ? "/" : ""}${op}`;
    const count = this.#next(path);
    const name = count === 0 ? path : `${path}_${count}`;
    const values = outputs.map(({ dtype, shape }, index) =>
      this.#value(outputs.length === 1 ? name : `${name}:${index}`, "computed", dtype, shape),
    );
    const node: Node = { name, op, domain, inputs, outputs: values, attributes };
    this.#nodes.push(node);
    for (const value of values) this.#producers.set(value, node);
    return values;
  }

  /** The node that computes a value; undefined for what is fed, loaded or constant. */
  producer(value: Value): Node | undefined {
    return this.#producers.get(value);
  }

  /** Declares a result of the graph under a public name. Throws GRAPH_INVALID for a name given twice. */
  output(name: string, value: Value): void {
    if (this.#outputs.has(name)) throw taken(this.name, `output "${name}"`);
    this.#outputs.set(name, value);
  }

  /** Gives an intermediate value a public name, once; it becomes an output only where `withOutputs` asks for it. */
  mark(name: string, value: Value): Value {
    if (this.#marks.has(name)) throw taken(this.name, `mark "${name}"`);
    this.#marks.set(name, value);
    return value;
  }

  /** Where a symbol's size can be read at run time. Throws when no input carries it on its own. */
  dimSource(symbol: string): DimSource {
    const source = this.#dimSources.get(symbol);
    if (source) return source;
    const known = [...this.#dimSources.keys()].join(", ");
    const hint = "Declare an input that carries this dimension, or use a fixed size.";
    throw graphError(
      this.path,
      `an input with a dimension "${symbol}"`,
      `inputs with ${known || "no symbolic dimension"}`,
      hint,
    );
  }

  /** The graph as built so far. */
  build(): Graph {
    return {
      name: this.name,
      inputs: [...this.#inputs],
      parameters: [...this.#parameters.values()],
      nodes: [...this.#nodes],
      outputs: new Map(this.#outputs),
      marks: new Map(this.#marks),
    };
  }

  #next(path: string): number {
    const count = this.#counts.get(path) ?? 0;
    this.#counts.set(path, count + 1);
    return count;
  }

  #value(name: string, kind: ValueKind, dtype: Dtype, shape: Shape): Value {
    if (this.#names.has(name)) throw taken(this.path, `value "${name}"`);
    this.#names.add(name);
    return { name, kind, dtype, shape };
  }
}

/** A dimension list with every entry in canonical form. */
export function canonicalShape(shape: readonly Dim[]): Shape {
  return shape.map(dim);
}

/** A dimension that is one name, and so can be read off a single axis. */
function isSymbol(size: Dim): size is string {
  return typeof size === "string" && /^\w+$/.test(size);
}

/** Equal for tensors that are equal bit by bit; −0 is not 0 to a division. */
function contentKey({ dtype, shape, data }: Tensor): string {
  const numbers = Array.from(data as ArrayLike<number | bigint>, (each) => (Object.is(each, -0) ? "-0" : String(each)));
  return `${dtype}[${shape}]:${numbers.join(",")}`;
}

function taken(at: string, what: string): FusionError {
  return graphError(at, `${what} once`, "the name twice");
}

function graphError(
  at: string,
  expected: string,
  actual: string,
  hint = "Give each value, output and mark a name of its own.",
): FusionError {
  return new FusionError({ code: "GRAPH_INVALID", at, expected, actual, hint });
}
