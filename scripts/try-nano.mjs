// Asks the nano that ships about drawings that its training data do not have: docs/assets/nano-drawings.png, and the table of
// packages/nano/README.md on stdout. Needs the packages built: node scripts/try-nano.mjs

import { join } from "node:path";
import sharp from "sharp";
import { drawingSvg, otherDrawings } from "./lib/other-drawings.mjs";
import { root } from "./lib/workspace.mjs";

const { loadFusion } = await import("@fusion-vlm/core");

const side = 128;
const gap = 8;
const perRow = 6;

const pictures = await Promise.all(
  otherDrawings.map((drawing) =>
    sharp(Buffer.from(drawingSvg(drawing)))
      .png()
      .toBuffer(),
  ),
);
const rows = Math.ceil(pictures.length / perRow);
const cell = (index) => gap + index * (side + gap);
await sharp({ create: { width: cell(perRow), height: cell(rows), channels: 3, background: "#808080" } })
  .composite(
    await Promise.all(
      pictures.map(async (picture, index) => ({
        input: await sharp(picture).resize(side).toBuffer(),
        left: cell(index % perRow),
        top: cell(Math.floor(index / perRow)),
      })),
    ),
  )
  .png({ palette: true, compressionLevel: 9 })
  .toFile(join(root, "docs/assets/nano-drawings.png"));

const model = await loadFusion("nano");
let [right, asked] = [0, 0];
console.log("| drawing | question | expected | nano | |\n| --- | --- | --- | --- | --- |");
for (const [index, { style, questions }] of otherDrawings.entries()) {
  for (const [question, expected] of questions) {
    const { text } = await model.ask({ image: pictures[index], question, maxTokens: 24 });
    const isRight = expected.some((one) => one.toLowerCase() === text.trim().toLowerCase());
    asked += 1;
    right += isRight ? 1 : 0;
    console.log(
      `| ${style} | ${question} | ${expected.join(" or ")} | ${text.trim()} | ${isRight ? "right" : "wrong"} |`,
    );
  }
}
await model.dispose();
console.log(`\n${right} of ${asked} right.`);
