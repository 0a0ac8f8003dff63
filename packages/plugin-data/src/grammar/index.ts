export * from "./backgrounds.ts";
export * from "./colours.ts";
export * from "./things.ts";
export { words } from "./words.ts";
