/** Colours of shapes and words, each with three tints that nobody would call by another of these names. */
export const colours = {
  red: ["#e01b24", "#d31820", "#ee2b2b"],
  orange: ["#ff8c1a", "#f98306", "#ff9729"],
  yellow: ["#ffdd1a", "#ffe033", "#f9d200"],
  green: ["#1f9d3a", "#27a844", "#168a30"],
  blue: ["#1c5fe0", "#2a6cf0", "#1750c8"],
  purple: ["#8a2bc2", "#7d24b3", "#9638cf"],
  pink: ["#ff74b4", "#ff82bd", "#fa66a8"],
  brown: ["#7a4520", "#6e3d1b", "#854d26"],
  black: ["#111111", "#1a1a1a", "#0a0a0a"],
  white: ["#ffffff", "#fcfcfc", "#f7f7f7"],
} as const;

export type Colour = keyof typeof colours;

export const colourNames = Object.keys(colours) as Colour[];
