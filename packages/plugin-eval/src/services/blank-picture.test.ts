import sharp from "sharp";
import { expect, test } from "vitest";
import { blankPicture } from "./blank-picture.ts";

test("the blank picture is middle grey everywhere", async () => {
  const { data, info } = await sharp(blankPicture).raw().toBuffer({ resolveWithObject: true });

  expect(info).toMatchObject({ width: 64, height: 64 });
  expect(new Set(data)).toEqual(new Set([128]));
});
