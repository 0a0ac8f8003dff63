import { type Attribute, type Dim, GraphBuilder, type Shape, termsOf, type Value } from "../graph/index.ts";
import { type Dtype, dtypeFacts, float32, int64, type Tensor, tensor } from "../tensor/index.ts";
import { Add, Mul } from "./math.ts";
import { Concat } from "./movement.ts";
import { type AttributeSchema, type AttributeValues, type Operator, shapeError } from "./operator.ts";
import { ShapeOf } from "./shape.ts";

/** A value, or a number that becomes a constant of the other operand's dtype. */
export type Operand = Value | number;

/** What every operator method stands on: applying a definition, writing constants, reading sizes at run time. */
export class OperatorApplier extends GraphBuilder {
  /**
   * Applies any operator definition, ours or a plugin's, and returns all its outputs.
   *
   * @param stated - the result's shape, for operators whose result follows from numbers that exist at run time only
   * @throws SHAPE_MISMATCH or DTYPE_MISMATCH with the node's path and the shapes of its inputs
   */
  apply<Schema extends AttributeSchema>(
    operator: Operator<string, Schema>,
    inputs: readonly (Value | undefined)[],
    attributes: AttributeValues<Schema>,
    stated?: Shape,
  ): Value[] {
    const at = `${this.path}/${operator.name}`;
    const input = (index: number): Value => {
      const value = inputs[index];
      if (!value) throw shapeError(at, `input ${operator.inputs[index] ?? index}`, undefined);
      return value;
    };
    const outputs = operator.infer({ at, inputs, attributes, input, stated });
    const tagged: Record<string, Attribute> = {};
    for (const [key, type] of Object.entries(operator.attributes)) {
      tagged[key] = { type, value: attributes[key as keyof Schema] } as Attribute;
    }
    return this.node({ op: operator.name, domain: operator.domain, inputs, attributes: tagged, outputs });
  }

  /** A number as a scalar constant; values pass through. */
  operand(value: Operand, dtype: Dtype): Value {
    if (typeof value !== "number") return value;
    if (dtype === "int64") return this.constant(int64([], [value]));
    const data = new dtypeFacts[dtype].array(1);
    data[0] = value as never;
    return this.constant(tensor(dtype, [], data as never));
  }

  /** An int64 vector. */
  ints(values: readonly number[]): Value {
    return this.constant(int64([values.length], values));
  }

  /** A float32 constant from plain numbers. */
  floats(shape: readonly number[], values: ArrayLike<number>): Value {
    return this.constant(float32(shape, values));
  }

  /** A constant from any tensor. */
  literal(data: Tensor): Value {
    return this.constant(data);
  }

  /** The sizes of a shape as an int64 vector, read from the inputs at run time where they are symbolic. */
  shapeTensor(shape: Shape): Value {
    if (shape.every((size) => typeof size === "number")) return this.ints(shape as number[]);
    const sizes = shape.map((size) => this.#sizeTensor(size));
    return sizes.length === 1 ? sizes[0]! : this.apply(Concat, sizes, { axis: 0 })[0]!;
  }

  #sizeTensor(size: Dim): Value {
    if (typeof size === "number") return this.ints([size]);
    const terms = termsOf(size).map(({ coefficient, factors }) => {
      const sizes = factors.map((symbol) => this.#symbolTensor(symbol));
      if (coefficient !== 1 || sizes.length === 0) sizes.push(this.ints([coefficient]));
      return sizes.reduce((product, factor) => this.apply(Mul, [product, factor], {})[0]!);
    });
    return terms.reduce((sum, term) => this.apply(Add, [sum, term], {})[0]!);
  }

  #symbolTensor(symbol: string): Value {
    const { value, axis } = this.dimSource(symbol);
    return this.apply(ShapeOf, [value], { start: axis, end: axis + 1 })[0]!;
  }
}
