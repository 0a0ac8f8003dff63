import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Icon, icons } from "../grammar/index.ts";

const file = "@iconify-json/fluent-emoji-flat/icons.json";
const side = 32;

let bodies: Record<Icon, string> | undefined;

/** Reads the set once and keeps the few icons that we draw. */
function loadIcons(): Record<Icon, string> {
  if (bodies) return bodies;
  const set: { icons: Record<string, { body: string }> } = JSON.parse(
    readFileSync(createRequire(import.meta.url).resolve(file), "utf8"),
  );
  bodies = Object.fromEntries(Object.entries(icons).map(([name, icon]) => [name, set.icons[icon]!.body])) as Record<
    Icon,
    string
  >;
  return bodies;
}

/** The icon around (0, 0), two units wide, with a white rim that sets it off from any background. */
export function iconSvg(name: Icon, flipped: boolean): string {
  const body = loadIcons()[name];
  const scale = 2 / side;
  const rim = `<g stroke="#fff" stroke-width="2.6" stroke-linejoin="round">${body}</g>`;
  return `<g transform="scale(${flipped ? -scale : scale} ${scale}) translate(${-side / 2} ${-side / 2})">${rim}${body}</g>`;
}
