import { internalError } from "../errors/index.ts";

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
  for (const term of dim.replaceAll("- ", "+ -").split(" + ")) {
    let coefficient = 1;
    const factors: string[] = [];
    for (const factor of term.trim().split("*")) {
      if (/^-?\d+$/.test(factor)) coefficient *= Number(factor);
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

/** The canonical form of a dimension written by hand; throws on what is not a polynomial. */
export function dim(value: Dim): Dim {
  if (typeof value === "string" && !/^[A-Za-z0-9_*+\- ]+$/.test(value)) {
    throw internalError("dim", `"${value}" is not a polynomial of named sizes`);
  }
  return format(parse(value));
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
