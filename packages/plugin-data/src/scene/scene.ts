import {
  type Background,
  type Colour,
  type Icon,
  type PlaceName,
  type PlainName,
  places,
  plainBackgrounds,
  type Shape,
  type ThingName,
} from "../grammar/index.ts";

/** Training and held-out scenes share every colour, object and number, and no combination of them. */
export type Split = "train" | "heldout";

/** A place, or a plain colour. */
export type SceneBackground = { readonly place: PlaceName } | { readonly plain: PlainName };

/** A square in the picture: its middle and side, as shares of the picture's side, from the top left corner. */
export interface Square {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

export type Size = "small" | "large";

/** What is drawn: a shape in a colour, or an icon. `tint` is one of the colour's three. */
export type Thing =
  | { readonly name: Shape; readonly colour: Colour; readonly tint: number }
  | { readonly name: Icon; readonly flipped: boolean };

/** One object, or several that look alike. No two groups of a scene have the same name. */
export interface Group {
  readonly thing: Thing;
  readonly size: Size;
  /** One for each object. */
  readonly squares: readonly Square[];
}

/** A word in the picture, as wide and high as it may become. */
export interface SceneWord {
  readonly text: string;
  readonly colour: Colour;
  readonly tint: number;
  readonly position: "top" | "middle" | "bottom";
}

/** What a relation is between: groups by their object's name, and the word. */
export type Party = ThingName | "word";

/** `first` is left of, or above, `second`, and they stand in one row or column. */
export interface Relation {
  readonly relation: "left" | "above";
  readonly first: Party;
  readonly second: Party;
}

/** The typed description of a picture; the picture, its caption and its questions are all made from it. */
export interface Scene {
  readonly split: Split;
  readonly background: SceneBackground;
  readonly groups: readonly Group[];
  readonly word?: SceneWord;
  readonly relations: readonly Relation[];
}

export function backgroundOf(background: SceneBackground): Background {
  return "place" in background ? places[background.place] : plainBackgrounds[background.plain];
}

/** The shape's colour; undefined for icons, which have many. */
export function colourOf(thing: Thing): Colour | undefined {
  return "colour" in thing ? thing.colour : undefined;
}
