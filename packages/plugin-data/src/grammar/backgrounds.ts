import type { Colour } from "./colours.ts";
import type { ThingName } from "./things.ts";

/** What lies behind the objects. */
export interface Background {
  /** How a caption says it: `on a meadow`. */
  readonly phrase: string;
  /** How a question asks for things there. */
  readonly place: boolean;
  /** Colours that would not stand out. */
  readonly avoid: readonly Colour[];
  /** Objects that could be taken for a part of the background. */
  readonly without: readonly ThingName[];
}

const place = (phrase: string, avoid: readonly Colour[], without: readonly ThingName[] = []): Background => ({
  phrase,
  place: true,
  avoid,
  without,
});

/** Places, by the answer to "What place is this?". */
export const places = {
  meadow: place("on a meadow", ["green", "blue"], ["tree"]),
  beach: place("on a beach", ["yellow", "orange", "blue", "white"]),
  sea: place("on the sea", ["blue", "green", "purple"]),
  snow: place("in the snow", ["white", "yellow"]),
  sky: place("in the sky", ["white", "blue", "yellow", "pink"]),
  space: place("in space", ["black", "blue", "purple", "brown"], ["star"]),
  road: place("on a road", ["black", "white", "brown"]),
  room: place("in a room", ["brown", "orange", "yellow", "white"]),
} as const satisfies Record<string, Background>;

const plain = (colour: string, avoid: readonly Colour[]): Background => ({
  phrase: `on a ${colour} background`,
  place: false,
  avoid,
  without: [],
});

/** Plain colours, by the answer to "What colour is the background?". */
export const plainBackgrounds = {
  white: plain("white", ["white", "yellow"]),
  grey: plain("grey", ["white", "brown"]),
  black: plain("black", ["black", "brown", "blue", "purple"]),
  yellow: plain("yellow", ["yellow", "orange", "white"]),
  pink: plain("pink", ["pink", "red", "purple", "white"]),
  blue: plain("blue", ["blue", "purple", "green"]),
  green: plain("green", ["green", "blue", "yellow"]),
  purple: plain("purple", ["purple", "pink", "blue"]),
} as const satisfies Record<string, Background>;

export type PlaceName = keyof typeof places;
export type PlainName = keyof typeof plainBackgrounds;
export const placeNames = Object.keys(places) as PlaceName[];
export const plainNames = Object.keys(plainBackgrounds) as PlainName[];
