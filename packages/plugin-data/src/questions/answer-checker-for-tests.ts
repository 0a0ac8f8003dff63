import { colourNames, plural, type ThingName, thingNames } from "../grammar/index.ts";
import type { Scene, Square } from "../scene/index.ts";

interface Seen {
  readonly name: ThingName;
  readonly colour: string | undefined;
  readonly square: Square;
}

/** Left, top, right, bottom. */
type Box = readonly [number, number, number, number];

/**
 * Answers a question from what is drawn where, one object at a time: without the relations, forms and groups that it was made from.
 *
 * @returns all answers that are right; empty when the question is not understood
 */
export function rightAnswers(scene: Scene, question: string): string[] {
  const seen = scene.groups.flatMap(({ thing, squares }): Seen[] =>
    squares.map((square) => ({ name: thing.name, colour: "colour" in thing ? thing.colour : undefined, square })),
  );
  const text = question.toLowerCase();
  const { word, background } = scene;
  const named = thingsIn(text);
  const yes = (is: boolean) => [is ? "yes" : "no"];
  const quoted = question.match(/"(\w+)"/)?.[1];

  if (quoted) return yes(word?.text === quoted);
  if (/any text|contain a word|\bany letters/.test(text)) return yes(word !== undefined);
  if (/letter.*(start|begin)|first letter/.test(text)) return [word!.text[0]!];
  if (/letter.*end|last letter/.test(text)) return [word!.text.at(-1)!];
  if (/letters does the word have|how long/.test(text)) return [String(word!.text.length)];
  if (/what word can|written (in the picture|here)|text say|read the word/.test(text)) return [word!.text];

  const number = /(two|three|four|five)/.exec(text)?.[1];
  if (number) {
    const count = ["two", "three", "four", "five"].indexOf(number) + 2;
    return yes(seen.filter(({ name }) => name === named[0]).length === count);
  }
  if (/how many (objects|things)|count all/.test(text)) return [String(seen.length)];
  if (/how many|number of|count the/.test(text)) {
    const colour = colourNames.find((name) => new RegExp(`\\b${name}\\b`).test(text));
    return [String(seen.filter((one) => one.name === named[0] && (!colour || one.colour === colour)).length)];
  }

  const phrase = /\b(?:on|in) (?:a |the )?(meadow|beach|sea|snow|sky|space|road|room)\b/.exec(text)?.[1];
  if (phrase) return yes("place" in background && background.place === phrase);
  if (/place|setting|in the background\?/.test(text)) return "place" in background ? [background.place] : [];

  if (/colou?r/.test(text)) {
    if (/background|behind everything/.test(text)) return "plain" in background ? [background.plain] : [];
    if (/word|letters|text/.test(text)) return [word!.colour];
    return [...new Set(seen.filter(({ name }) => name === named[0]).map(({ colour }) => colour!))];
  }
  const colour = colourNames.find((name) => new RegExp(`\\b${name}\\b`).test(text));
  if (colour && /shape/.test(text)) return seen.filter((one) => one.colour === colour).map(({ name }) => name);
  if (colour) return yes(seen.filter(({ name }) => name === named[0]).every((one) => one.colour === colour));

  if (/larger|bigger|smaller/.test(text)) {
    const side = (name: ThingName) => seen.find((one) => one.name === name)!.square.side;
    const [first, second] = named as [ThingName, ThingName];
    // Clearly, not by a hair.
    if (Math.max(side(first), side(second)) < 1.3 * Math.min(side(first), side(second))) return [];
    return [side(first) > side(second) === !/smaller/.test(text) ? first : second];
  }
  if (/^(is there an?|can you see an?|does the picture show an?) /.test(text)) {
    return yes(seen.some(({ name }) => name === named[0]));
  }
  if (/besides|together with/.test(text)) return namesOf(seen.filter(({ name }) => name !== named[0]));
  if (
    /^(what|which|name the) (shape|object)s? (is|are|do)|^name the (shape|object)s?\.$/.test(text) &&
    named.length === 0
  ) {
    return namesOf(seen);
  }
  return spatialAnswers(scene, seen, text);
}

function spatialAnswers(scene: Scene, seen: readonly Seen[], text: string): string[] {
  const parties = [...text.matchAll(/\bthe (\w+)/g)].flatMap(([, noun]): (ThingName | "word")[] =>
    noun === "word" ? ["word"] : thingsIn(noun!),
  );
  const boxOf = (party: ThingName | "word") => (party === "word" ? wordBox(scene) : around(seen, party));
  if (/^where|^in which direction|^on which side|or (right|below)/.test(text)) {
    const objectFirst = /^in which direction|^on which side/.test(text);
    const [subject, object] = objectFirst ? [parties[1]!, parties[0]!] : [parties[0]!, parties[1]!];
    return [directionOf(boxOf(subject), boxOf(object))].filter((direction) => direction !== "unclear");
  }
  const direction = /\b(left|right|above|below)\b/.exec(text)![1]!;
  if (/^(is|are) /.test(text)) {
    const is = directionOf(boxOf(parties[0]!), boxOf(parties[1]!));
    return is === "unclear" ? [] : [is === direction ? "yes" : "no"];
  }
  const object = parties[0]!;
  const others = [...new Set(seen.map(({ name }) => name))].filter((name) => name !== object);
  const there = others.filter((name) => directionOf(boxOf(name), boxOf(object)) === direction);
  return namesOf(seen.filter(({ name }) => there.includes(name)));
}

/** The one side on which `subject` lies entirely, and within the width or height of which it overlaps `object`. */
function directionOf(subject: Box, object: Box): string {
  const margin = 0.01;
  const apart = (axis: 0 | 1) =>
    subject[axis + 2]! + margin < object[axis]! ? -1 : subject[axis]! > object[axis + 2]! + margin ? 1 : 0;
  const [x, y] = [apart(0), apart(1)];
  if ((x === 0) === (y === 0)) return "unclear";
  return x < 0 ? "left" : x > 0 ? "right" : y < 0 ? "above" : "below";
}

function around(seen: readonly Seen[], party: ThingName): Box {
  const squares = seen.filter(({ name }) => name === party).map(({ square }) => square);
  const half = (square: Square) => square.side / 2;
  return [
    Math.min(...squares.map((square) => square.x - half(square))),
    Math.min(...squares.map((square) => square.y - half(square))),
    Math.max(...squares.map((square) => square.x + half(square))),
    Math.max(...squares.map((square) => square.y + half(square))),
  ];
}

/** The band at the top or bottom; the letters stand within. */
function wordBox({ word }: Scene): Box {
  return word!.position === "top" ? [0.05, 0.055, 0.95, 0.285] : [0.05, 0.715, 0.95, 0.945];
}

function namesOf(seen: readonly Seen[]): string[] {
  const names = seen.map(({ name }) => name);
  return [...new Set(names)].map((name) => (names.filter((other) => other === name).length > 1 ? plural(name) : name));
}

function thingsIn(text: string): ThingName[] {
  return text.split(/[^a-z]+/).flatMap((noun) => thingNames.filter((name) => name === noun || plural(name) === noun));
}
