import { below, chance, pick, pickWeighted, type Random } from "../random/random.ts";
import type { Relation, SceneWord, Size, Square } from "./scene.ts";

/** Where the groups of a scene stand, before it is known what they are. */
export interface Layout {
  readonly groups: readonly { readonly size: Size; readonly squares: readonly Square[] }[];
  /** Relations between groups, by their numbers. */
  readonly relations: readonly {
    readonly relation: Relation["relation"];
    readonly first: number;
    readonly second: number;
  }[];
  readonly word?: SceneWord["position"];
}

/** A rectangle in shares of the picture's side. */
interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Height of the band that a word takes from the objects. */
export const wordBand = 0.34;

/** How much of its cell an object fills: the rest is the margin that keeps relations and counts plain. */
const fill: Record<Size, number> = { large: 0.86, small: 0.58 };

const whole: Area = { left: 0, top: 0, width: 1, height: 1 };

/** Draws a layout: one object, two, a group, a group beside one object, three or four objects in a grid, or a word alone. */
export function drawLayout(random: Random): Layout {
  const kind = pickWeighted(random, [
    [0.08, "single"],
    [0.23, "pair"],
    [0.26, "group"],
    [0.23, "mixed"],
    [0.12, "grid"],
    [0.08, "word"],
  ]);
  if (kind === "word") return { groups: [], relations: [], word: "middle" };
  if (kind === "grid") return drawGrid(random);
  if (kind === "mixed") return drawMixed(random);

  const word = chance(random, 0.7) ? pick(random, ["top", "bottom"] as const) : undefined;
  const area = word ? { ...whole, top: word === "top" ? wordBand : 0, height: 1 - wordBand } : whole;
  if (kind === "single") return { ...drawSingle(random, area), word };
  if (kind === "pair") return { ...drawPair(random, area, word !== undefined), word };
  // The larger groups are drawn more often: beside single objects there are only smaller ones.
  const count = pickWeighted(random, [
    [0.18, 2],
    [0.22, 3],
    [0.27, 4],
    [0.33, 5],
  ]);
  const size = count === 2 || (count === 3 && !word) ? drawSize(random) : "large";
  return { groups: [{ size, squares: fillArea(random, area, count, size) }], relations: [], word };
}

function drawSize(random: Random): Size {
  return chance(random, 0.3) ? "small" : "large";
}

function drawSingle(random: Random, area: Area): Layout {
  const size = drawSize(random);
  return { groups: [{ size, squares: [squareIn(random, area, size)] }], relations: [] };
}

function drawPair(random: Random, area: Area, sideBySide: boolean): Layout {
  const relation = sideBySide || chance(random, 0.5) ? "left" : "above";
  const cells = relation === "left" ? columns(area, 2) : rows(area, 2);
  const groups = cells.map((cell) => {
    const size = drawSize(random);
    return { size, squares: [squareIn(random, cell, size)] };
  });
  return { groups, relations: [{ relation, first: 0, second: 1 }] };
}

/** One object on one side, two to four that look alike on the other. */
function drawMixed(random: Random): Layout {
  const relation = pick(random, ["left", "above"] as const);
  const [near, far] = relation === "left" ? columns(whole, 2) : rows(whole, 2);
  const one = { size: "large", squares: [squareIn(random, near!, "large")] } as const;
  const several = { size: "large", squares: fillArea(random, far!, 2 + below(random, 3), "large") } as const;
  const swapped = chance(random, 0.5);
  return {
    groups: swapped ? [mirrored(several, relation), mirrored(one, relation)] : [one, several],
    relations: [{ relation, first: 0, second: 1 }],
  };
}

function mirrored<G extends { readonly squares: readonly Square[] }>(group: G, relation: Relation["relation"]): G {
  const turn = ({ x, y, side }: Square): Square =>
    relation === "left" ? { x: round(1 - x), y, side } : { x, y: round(1 - y), side };
  return { ...group, squares: group.squares.map(turn) };
}

/** Three or four objects in two rows of two; only those in one row or column are related. */
function drawGrid(random: Random): Layout {
  const empty = chance(random, 0.5) ? below(random, 4) : -1;
  const cells = rows(whole, 2).flatMap((row) => columns(row, 2));
  const present = [0, 1, 2, 3].filter((cell) => cell !== empty);
  const groups = present.map((cell) => ({
    size: "large" as const,
    squares: [squareIn(random, cells[cell]!, "large")],
  }));
  const pairs = [
    ["left", 0, 1],
    ["left", 2, 3],
    ["above", 0, 2],
    ["above", 1, 3],
  ] as const;
  const relations = pairs
    .filter(([, first, second]) => first !== empty && second !== empty)
    .map(([relation, first, second]) => ({ relation, first: present.indexOf(first), second: present.indexOf(second) }));
  return { groups, relations };
}

/** Cells for `count` objects in one or two rows, the fuller row first or last, those of a shorter row centred. */
function fillArea(random: Random, area: Area, count: number, size: Size): Square[] {
  const { width, height } = area;
  const flat = width >= 2 * height;
  const tall = height >= 2 * width;
  const inRows = ((): number[] => {
    if (count === 2) return tall ? [1, 1] : flat ? [2] : pick(random, [[2], [1, 1]]);
    if (flat && count === 3) return [3];
    if (tall && count === 3)
      return pick(random, [
        [2, 1],
        [1, 2],
      ]);
    const more = Math.ceil(count / 2);
    return chance(random, 0.5) ? [more, count - more] : [count - more, more];
  })();
  const widest = Math.max(...inRows);
  const cellWidth = width / widest;
  return rows(area, inRows.length).flatMap((row, index) => {
    const inRow = inRows[index]!;
    const left = row.left + ((widest - inRow) * cellWidth) / 2;
    return columns({ ...row, left, width: inRow * cellWidth }, inRow).map((cell) => squareIn(random, cell, size));
  });
}

function columns({ left, top, width, height }: Area, count: number): Area[] {
  return Array.from({ length: count }, (_, i) => ({
    left: left + (i * width) / count,
    top,
    width: width / count,
    height,
  }));
}

function rows({ left, top, width, height }: Area, count: number): Area[] {
  return Array.from({ length: count }, (_, i) => ({
    left,
    top: top + (i * height) / count,
    width,
    height: height / count,
  }));
}

/** A square of the size in a cell, a little off its middle. */
function squareIn(random: Random, { left, top, width, height }: Area, size: Size): Square {
  const side = Math.min(width, height) * fill[size];
  const offset = (room: number) => (random() - 0.5) * Math.min(room - side, side / 2) * 0.8;
  return {
    x: round(left + width / 2 + offset(width)),
    y: round(top + height / 2 + offset(height)),
    side: round(side),
  };
}

function round(share: number): number {
  return Math.round(share * 1000) / 1000;
}
