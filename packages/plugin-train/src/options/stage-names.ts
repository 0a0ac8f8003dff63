/** The stages of the paper (Section 4), in their order. */
export const stageNames = ["1", "1.5", "2"] as const;
export type StageName = (typeof stageNames)[number];

/** Whose hyper-parameters a stage has: the paper's, or those of the released training scripts. */
export const recipeNames = ["paper", "released"] as const;
export type RecipeName = (typeof recipeNames)[number];

/** The stage before; undefined before the first. */
export function stageBefore(stage: StageName): StageName | undefined {
  return stageNames[stageNames.indexOf(stage) - 1];
}
