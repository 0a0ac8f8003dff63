import type { PlaceName, PlainName } from "../grammar/index.ts";
import type { SceneBackground } from "../scene/index.ts";

const fill = (colour: string) => `<rect width="100" height="100" fill="${colour}"/>`;

const gradient = (top: string, bottom: string) =>
  `<defs><linearGradient id="bg" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${top}"/>` +
  `<stop offset="1" stop-color="${bottom}"/></linearGradient></defs>${fill("url(#bg)")}`;

const dots = (colour: string, radius: number, places: string) =>
  places
    .split(" ")
    .map((at) => at.split(","))
    .map(([x, y]) => `<circle cx="${x}" cy="${y}" r="${radius}" fill="${colour}"/>`)
    .join("");

const puff = (x: number, y: number) =>
  `<g fill="#fff" opacity=".85"><ellipse cx="${x}" cy="${y}" rx="12" ry="4"/><ellipse cx="${x - 3}" cy="${y - 3}" rx="6" ry="5"/></g>`;

const waves = (y: number) =>
  `<path d="M-5 ${y}q5-5 10 0t10 0t10 0t10 0t10 0t10 0t10 0t10 0t10 0t10 0t10 0" fill="none" stroke="#8fd6ee" stroke-width="2"/>`;

const placeSvg: Record<PlaceName, string> = {
  meadow: `${gradient("#9edb72", "#6fbf4a")}<path d="M0 0H100V14Q75 6 50 13T0 12Z" fill="#bfe6fb"/>${[
    22, 40, 58, 76, 93,
  ]
    .flatMap((y, row) => [10, 36, 62, 88].map((x) => [x + (row % 2) * 12 - 6, y]))
    .map(([x, y]) => `<path d="M${x} ${y}l-2-5M${x} ${y}v-6M${x} ${y}l2-5" stroke="#4f9a34" stroke-width="1"/>`)
    .join("")}`,
  beach: `${fill("#f3dfae")}<path d="M0 0H100V20Q88 26 75 21T50 21T25 21T0 21Z" fill="#4fb7e0"/><path d="M0 21Q12 27 25 21T50 21T75 21T100 20" fill="none" stroke="#fff" stroke-width="2.5"/>${dots("#d9bf85", 0.9, "8,40 24,58 15,82 40,36 46,72 62,50 58,92 78,38 84,66 92,88 33,93 70,80")}`,
  sea: `${gradient("#57b9e2", "#2f93c9")}${[10, 28, 46, 64, 82, 97].map(waves).join("")}`,
  snow: `${gradient("#dfeaf5", "#f4f8fc")}<path d="M0 84Q25 72 50 82T100 78V100H0Z" fill="#fff"/>${dots("#fff", 1.6, "8,12 26,6 44,16 63,8 84,14 95,30 74,28 54,34 33,30 14,36 6,58 25,54 45,60 66,52 88,58 78,72 37,74 16,72")}`,
  sky: `${gradient("#8ecbf7", "#cfeaff")}${puff(20, 14)}${puff(78, 24)}${puff(14, 66)}${puff(84, 84)}${puff(46, 46)}`,
  space: `${gradient("#0b1030", "#1c1f4d")}${dots("#fff", 0.7, "6,10 18,30 30,8 44,22 58,6 70,26 86,12 95,38 82,52 64,44 50,56 36,42 22,54 8,48 14,74 28,88 42,72 56,84 72,70 90,76 80,94 60,97 4,94")}`,
  road: `${fill("#7d8288")}<path d="M0 4H100M0 96H100" stroke="#fff" stroke-width="3"/><path d="M-6 50H110" stroke="#fff" stroke-width="3" stroke-dasharray="16 12"/>`,
  room: `${fill("#f1e6d2")}<path d="M0 72H100V100H0Z" fill="#c08d58"/><path d="M0 72H100" stroke="#fff" stroke-width="2.5"/><path d="M0 81H100M0 91H100M22 73V81M58 73V81M86 73V81M10 81V91M42 81V91M74 81V91M28 91V100M64 91V100" stroke="#9a6c3e" stroke-width=".8"/>`,
};

const plainColours: Record<PlainName, string> = {
  white: "#fafafa",
  grey: "#9a9da1",
  black: "#181818",
  yellow: "#fbe57a",
  pink: "#fbc1da",
  blue: "#8fbdf2",
  green: "#a3dd9c",
  purple: "#cbb0ee",
};

/** What fills the canvas behind everything. */
export function backgroundSvg(background: SceneBackground): string {
  return "place" in background ? placeSvg[background.place] : fill(plainColours[background.plain]);
}
