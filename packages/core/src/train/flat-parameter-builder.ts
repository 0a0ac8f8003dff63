import { internalError } from "../errors/index.ts";
import { formatShape, sameShape, type Value } from "../graph/index.ts";
import { OpBuilder } from "../ops/index.ts";
import { adaptedWeight } from "./adapted-weight.ts";
import type { Lora } from "./lora.ts";
import { type ParameterGroup, stateNames } from "./parameter-groups.ts";

/** A builder whose parameters are stretches of one flat input vector per group; weights with adapters are the adapted ones. */
export class FlatParameterBuilder extends OpBuilder {
  readonly #flat = new Map<string, Value>();
  readonly #pieces = new Map<string, Value>();
  readonly #adapted = new Map<string, Value>();
  readonly #lora: Lora | undefined;

  constructor(
    name: string,
    groups: readonly ParameterGroup[],
    lora?: Lora,
    batchSizes?: Readonly<Record<string, number>>,
  ) {
    super(name, batchSizes);
    this.#lora = lora;
    for (const group of groups) {
      const flat = this.input(stateNames.parameters(group), "float32", [group.size]);
      this.#flat.set(group.name, flat);
      const sizes = group.parameters.map(({ size }) => size);
      const pieces = sizes.length === 1 ? [flat] : this.scope("parameters", () => this.Split(flat, sizes, 0));
      group.parameters.forEach(({ name: parameter, shape }, index) => {
        this.#pieces.set(
          parameter,
          this.scope(parameter, () => this.Reshape(pieces[index]!, shape)),
        );
      });
    }
  }

  flat(group: ParameterGroup): Value {
    return this.#flat.get(group.name)!;
  }

  override parameter(name: string, shape: readonly number[]): Value {
    const value = this.#adapted.get(name) ?? this.#adapt(name);
    if (sameShape(value.shape, shape)) return value;
    throw internalError(name, `asked for as ${formatShape(shape)}, but its group has ${formatShape(value.shape)}`);
  }

  /** W + (α/r)·B·A, written where it is first used and shared by all uses. */
  #adapt(name: string): Value {
    const adapter = this.#lora?.adapters.get(name);
    if (!adapter) return this.#piece(name);
    const [weight, a, b] = [name, adapter.a, adapter.b].map((each) => this.#piece(each)) as [Value, Value, Value];
    const adapted = this.scope(`${name}.adapted`, () => adaptedWeight(this, weight, a, b, this.#lora!.scale));
    this.#adapted.set(name, adapted);
    return adapted;
  }

  #piece(name: string): Value {
    const piece = this.#pieces.get(name);
    if (piece) return piece;
    throw internalError(this.name, `parameter ${name} is in no group`);
  }
}
