/** Plane figures, drawn by us, in any colour. */
export const shapes = ["circle", "square", "triangle", "star", "heart", "ring", "cross", "diamond", "arrow"] as const;

/** Everyday objects: our name, and the icon of the fluent-emoji-flat set that shows it. */
export const icons = {
  cat: "cat-face",
  dog: "dog-face",
  cow: "cow-face",
  pig: "pig-face",
  rabbit: "rabbit-face",
  frog: "frog",
  panda: "panda",
  fish: "tropical-fish",
  duck: "duck",
  penguin: "penguin",
  butterfly: "butterfly",
  snail: "snail",
  turtle: "turtle",
  crab: "crab",
  elephant: "elephant",
  apple: "red-apple",
  banana: "banana",
  strawberry: "strawberry",
  carrot: "carrot",
  cake: "birthday-cake",
  mushroom: "mushroom",
  cactus: "cactus",
  tree: "deciduous-tree",
  car: "automobile",
  bus: "bus",
  bicycle: "bicycle",
  plane: "airplane",
  rocket: "rocket",
  boat: "sailboat",
  house: "house",
  key: "key",
  umbrella: "umbrella",
  bell: "bell",
  guitar: "guitar",
  book: "open-book",
  balloon: "balloon",
  crown: "crown",
  hat: "top-hat",
  chair: "chair",
  ball: "basketball",
} as const;

export type Shape = (typeof shapes)[number];
export type Icon = keyof typeof icons;
export type ThingName = Shape | Icon;

export const iconNames = Object.keys(icons) as Icon[];
export const thingNames: readonly ThingName[] = [...shapes, ...iconNames];

export function isShape(name: ThingName): name is Shape {
  return (shapes as readonly string[]).includes(name);
}

const irregularPlurals: Partial<Record<ThingName, string>> = {
  cross: "crosses",
  fish: "fish",
  butterfly: "butterflies",
  strawberry: "strawberries",
  cactus: "cacti",
  bus: "buses",
};

export function plural(name: ThingName): string {
  return irregularPlurals[name] ?? `${name}s`;
}

/** The words with the indefinite article that their first sound asks for. */
export function withArticle(words: string): string {
  return `${/^[aeiou]/.test(words) ? "an" : "a"} ${words}`;
}
