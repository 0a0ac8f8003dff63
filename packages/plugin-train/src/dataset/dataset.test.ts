import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, open, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FusionError, loadTokenizer, openModelFolder } from "@fusion-vlm/core";
import { writeTinyModel } from "@fusion-vlm/core/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { colourRecords, writePictures } from "../trainer/training-data-for-tests.ts";
import { Dataset } from "./dataset.ts";
import { SamplePlanner } from "./sample-planner.ts";

let root: string;
let place: string;
let planner: SamplePlanner;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "fusion-dataset-"));
  await writeTinyModel(join(root, "model"));
  const { config, weights } = await openModelFolder(join(root, "model"));
  await weights.close();
  planner = new SamplePlanner({ ...config, latentCounts: [4] }, await loadTokenizer(join(root, "model")));
});

afterAll(() => rm(root, { recursive: true, force: true }));

beforeEach(async () => {
  place = await mkdtemp(join(root, "place-"));
  await writePictures(place);
});

const file = () => join(place, "data.json");
const read = () => Dataset.open(file(), { planner, maxSkipped: 10 });

/** What reading a file of these bytes says against it. */
async function refusal(contents: string | Uint8Array): Promise<FusionError> {
  await writeFile(file(), contents);
  return read().then(
    () => Promise.reject(new Error("nothing was refused")),
    (error) => error,
  );
}

const [red, green] = colourRecords();
const array = JSON.stringify([red, green]);
const lines = `${JSON.stringify(red)}\n${JSON.stringify(green)}\n`;

describe("a data file", () => {
  test.each([
    ["an array", array, [1, 2]],
    ["an array behind a byte order mark", `\ufeff${array}`, [1, 2]],
    ["lines", `\n${lines}`, [2, 3]],
    ["records of one id, which names none of them", JSON.stringify([red, red]), [1, 2]],
  ])("is %s", async (_what, contents, records) => {
    await writeFile(file(), contents);
    const dataset = await read();
    await dataset.close();

    expect(dataset.samples.map(({ record }) => record)).toEqual(records);
  });

  const cases: [what: string, contents: string | Uint8Array, message: RegExp][] = [
    ["text", "hello", /data\.json: expected a JSON array or JSON lines.* got "h"$/],
    ["UTF-16 with its mark", Buffer.from(`\ufeff${array}`, "utf16le"), /data\.json: .* got UTF-16 text$/],
    ["UTF-16 without a mark", Buffer.from(array, "utf16le"), /data\.json: .* got UTF-16 text$/],
    ["UTF-16, high bytes first", Buffer.from(array, "utf16le").swap16(), /data\.json: .* got UTF-16 text$/],
    ["Latin-1", Buffer.from(array.replace("red", "r\xe9d"), "latin1"), /record 1: expected text in UTF-8/],
    [
      "a mistake in the middle",
      array.replace('"id":"green"', '"id" "green"'),
      /record 2: expected JSON, got a mistake/,
    ],
    ["a comma at the end", array.replace(/]$/, ",]"), /record 2: expected another record behind the comma/],
    ["an array that is cut off", array.slice(0, -20), /record 2: expected its closing } \(it begins at byte \d+\)/],
    ["a broken third line", `${lines}{"id": "c", "im\n${lines}`, /data\.json: line 3: expected JSON, got a mistake/],
    ["a record over several lines", JSON.stringify(red, null, 1), /line 1: expected a whole record, got { alone/],
    [
      "an object around the records",
      JSON.stringify({ data: [red] }),
      /line 1, conversations: .* got none beside data$/,
    ],
    ["null in the array", "[null]", /record 1: expected an object, got "n"$/],
    ["an endless line", Buffer.alloc(65 * 2 ** 20, '{"a":'), /line 1: expected a line of at most 67108864 bytes/],
    [
      "only samples beyond the context",
      longSample(),
      /got only 1 longer than the context: \d+ tokens, the context holds/,
    ],
  ];

  test.each(cases)("is not %s", async (_what, contents, message) => {
    const error = await refusal(contents);

    expect(error).toMatchObject({ code: "DATASET_INVALID", message: expect.stringMatching(message) });
    expect(error.hint).toMatch(/^[A-Z].*\.$/);
  });

  test.skipIf(process.platform === "win32")("is not a pipe, which would be waited for, nor a device", async () => {
    execFileSync("mkfifo", [file()]);
    await expect(read()).rejects.toMatchObject({
      message: expect.stringMatching(/got a device, pipe or socket$/),
    });

    await rm(file());
    await symlink("/dev/zero", file());
    await expect(read()).rejects.toMatchObject({
      message: expect.stringMatching(/got a device, pipe or socket$/),
    });
  });

  test("has a name", async () => {
    await expect(Dataset.open("", { planner, maxSkipped: 0 })).rejects.toThrow('"": expected a data file');
  });
});

describe("a picture", () => {
  const cases: [what: string, image: unknown, message: RegExp][] = [
    ["a number", 5, /image: expected the path of one picture, got 5$/],
    ["an absolute path", "/etc/hostname", /image: expected a path inside .*, got \/etc\/hostname$/],
    ["a path that leads out", "images/../../x.png", /image: expected a path inside/],
    ["an absolute path of Windows", "C:\\x.png", /image: expected a path inside/],
    ["an address", "https://example.org/a.png", /image: expected the path of a picture, got "https/],
    ["a folder", "images", /image: expected a picture file, got images, which is none$/],
    ["the folder itself", ".", /image: expected a path inside/],
    ["missing", "images/none.png", /image: expected the picture .*none\.png, got nothing at this path$/],
    ["a name that is too long", "a".repeat(300), /image: .* got ENAMETOOLONG$/],
  ];

  test.each(cases)("is not %s", async (_what, image, message) => {
    const { code, message: said } = await refusal(JSON.stringify([red, { ...green, image }]));

    expect(code).toBe("DATASET_INVALID");
    expect(said).toMatch(/data\.json: record 2, image: /);
    expect(said).toMatch(message);
  });

  test.skipIf(process.platform === "win32")("is not behind a link that leads out of the folder", async () => {
    await symlink("/dev/zero", join(place, "images/link.png"));

    const { message } = await refusal(JSON.stringify([{ ...red, image: "images/link.png" }]));

    expect(message).toMatch(/image: expected a path inside .*, got images\/link\.png$/);
  });
});

test("a folder is not a data file", async () => {
  await mkdir(file());

  await expect(read()).rejects.toThrow(/data\.json: .* got a folder$/);
});

test("a file that changes under a training is told", async () => {
  await writeFile(file(), array);
  const dataset = await read();
  const handle = await open(file(), "r+");
  await handle.truncate(40);
  await handle.close();

  await expect(dataset.read(dataset.samples[1]!)).rejects.toThrow(/data\.json: record 2: expected \d+ bytes, got 0$/);
  await dataset.close();
});

function longSample(): string {
  const conversations = [red!.conversations[0], { from: "gpt", value: "blue ".repeat(200) }];
  return JSON.stringify([{ ...red, conversations }]);
}
