import { FusionError } from "../errors/index.ts";

/**
 * A dimension: a number, or a polynomial over named sizes written in canonical form (`"S"`, `"I + 576"`, `"4*B"`).
 *
 * Two dimensions are the same exactly when they are `===`, because every function here returns the canonical form.
 */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** Monomial (sorted factors joined by `*`, `""` for the constant) → integer coefficient. */
type Polynomial = Map<string, number>;

function parse(dim: Dim): Polynomial {
  if (typeof dim === "number") return new Map([["", dim]]);
  const terms: Polynomial = new Map();
  for (const [, sign, term] of dim.replaceAll(" ", "").matchAll(/([+-]*)([^+-]+)/g)) {
    let coefficient = (sign!.match(/-/g)?.length ?? 0) % 2 ? -1 : 1;
    const factors: string[] = [];
    for (const factor of term!.split("*")) {
      if (/^\d+$/.test(factor)) coefficient *= Number(factor);
      else factors.push(factor);
    }
    const monomial = factors.sort().join("*");
    terms.set(monomial, (terms.get(monomial) ?? 0) + coefficient);
  }
  return terms;
}

function format(terms: Polynomial): Dim {
  const kept = [...terms].filter(([, coefficient]) => coefficient !== 0);
  if (kept.every(([monomial]) => monomial === "")) return kept[0]?.[1] ?? 0;
  kept.sort(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : a < b ? -1 : 1));
  return kept
    .map(([monomial, coefficient]) => {
      if (monomial === "") return String(coefficient);
      return coefficient === 1 ? monomial : `${coefficient}*${monomial}`;
    })
    .join(" + ");
}

/** A sum of products of whole numbers and names, such as `2*B*Q + S - 1`. */
const polynomial = /^-? *(\w+)( *\* *\w+)*( *[+-] *-? *(\w+)( *\* *\w+)*)*$/;
const factor = /^(\d+|[A-Za-z_]\w*)$/;

/** The canonical form of a dimension written by hand. Throws GRAPH_INVALID on what is not a polynomial of whole numbers and names. */
export function dim(value: Dim): Dim {
  const isDim =
    typeof value === "number"
      ? Number.isSafeInteger(value)
      : polynomial.test(value) && value.match(/\w+/g)!.every((word) => factor.test(word));
  if (isDim) return format(parse(value));
  throw new FusionError({
    code: "GRAPH_INVALID",
    at: "dimension",
    expected: "a whole number, or a polynomial of named sizes such as 2*B*Q + 1",
    actual: typeof value === "number" ? String(value) : `"${value}"`,
    hint: "Name sizes with letters, digits and underscores, and combine them with *, + and -.",
  });
}

export function addDims(...dims: Dim[]): Dim {
  const sum: Polynomial = new Map();
  for (const each of dims) {
    for (const [monomial, coefficient] of parse(each)) sum.set(monomial, (sum.get(monomial) ?? 0) + coefficient);
  }
  return format(sum);
}

export function subtractDims(a: Dim, b: Dim): Dim {
  return addDims(a, multiplyDims(b, -1));
}

export function multiplyDims(...dims: Dim[]): Dim {
  let product: Polynomial = new Map([["", 1]]);
  for (const each of dims) {
    const next: Polynomial = new Map();
    for (const [left, a] of product) {
      for (const [right, b] of parse(each)) {
        const monomial = [...left.split("*"), ...right.split("*")].filter(Boolean).sort().join("*");
        next.set(monomial, (next.get(monomial) ?? 0) + a * b);
      }
    }
    product = next;
  }
  return format(product);
}

/** a / b when it is exact and b is a single term; undefined otherwise. */
export function divideDims(a: Dim, b: Dim): Dim | undefined {
  const divisor = [...parse(b)];
  if (divisor.length !== 1) return a === b ? 1 : undefined;
  const [monomial, coefficient] = divisor[0]!;
  const quotient: Polynomial = new Map();
  for (const [term, value] of parse(a)) {
    const factors = term.split("*").filter(Boolean);
    for (const factor of monomial.split("*").filter(Boolean)) {
      const index = factors.indexOf(factor);
      if (index < 0) return undefined;
      factors.splice(index, 1);
    }
    if (coefficient === 0 || value % coefficient !== 0) return undefined;
    quotient.set(factors.join("*"), value / coefficient);
  }
  return format(quotient);
}

/** The dimension with some of its names replaced by numbers. */
export function substituteDim(value: Dim, sizes: Readonly<Record<string, number>>): Dim {
  if (typeof value === "number") return value;
  const terms = termsOf(value).map(({ coefficient, factors }) =>
    multiplyDims(coefficient, ...factors.map((factor) => sizes[factor] ?? factor)),
  );
  return addDims(...terms);
}

/** The terms of a dimension: `2*B*Q + 3` → `[{coefficient: 2, factors: ["B", "Q"]}, {coefficient: 3, factors: []}]`. */
export function termsOf(value: Dim): { coefficient: number; factors: string[] }[] {
  return [...parse(value)].map(([monomial, coefficient]) => ({
    coefficient,
    factors: monomial.split("*").filter(Boolean),
  }));
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((each, axis) => each === b[axis]);
}
