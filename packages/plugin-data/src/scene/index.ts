export { combination, combinationsOf, relationBetween, splitOf } from "./combinations.ts";
export { describeScene, isOfSplit } from "./describe-scene.ts";
export {
  capital,
  descriptionOf,
  isBetweenGroups,
  isSeveral,
  listOf,
  nameGroup,
  positions,
  sayRelation,
  theParty,
} from "./description.ts";
export { wordBand } from "./layouts.ts";
export * from "./scene.ts";
export { drawOtherWord, drawWord } from "./written-word.ts";
