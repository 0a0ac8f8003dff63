// Draws docs/assets/quickstart.png, the picture that `npm run quickstart` asks about: shapes in clear colours.
// Run it after changing the scene: node scripts/make-quickstart-picture.mjs

import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { root } from "./lib/workspace.mjs";

const scene = `
<svg xmlns="http://www.w3.org/2000/svg" width="640" height="480" viewBox="0 0 640 480">
  <rect width="640" height="330" fill="#cfe8f7"/>
  <rect y="330" width="640" height="150" fill="#8fb97a"/>
  <circle cx="540" cy="90" r="48" fill="#f6c445"/>
  <polygon points="150,120 260,250 40,250" fill="#b5452c"/>
  <rect x="62" y="250" width="176" height="130" fill="#f3e6d0"/>
  <rect x="126" y="300" width="48" height="80" fill="#5b3a21"/>
  <circle cx="360" cy="390" r="46" fill="#d62839"/>
  <rect x="450" y="330" width="92" height="92" fill="#2a5fb0"/>
  <polygon points="590,330 628,422 552,422" fill="#7b3fa0"/>
  <ellipse cx="320" cy="120" rx="74" ry="30" fill="#ffffff"/>
  <ellipse cx="370" cy="104" rx="52" ry="30" fill="#ffffff"/>
</svg>`;

const file = join(root, "docs/assets/quickstart.png");
mkdirSync(dirname(file), { recursive: true });
const { size } = await sharp(Buffer.from(scene)).png({ palette: true, compressionLevel: 9 }).toFile(file);
console.log(`docs/assets/quickstart.png: 640 x 480, ${size} bytes`);
