import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FusionError } from "@fusion-vlm/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { colourRecords, writePictures } from "../trainer/training-data-for-tests.ts";
import { Dataset, type DatasetOptions } from "./dataset.ts";
import { tinyPlanner } from "./planner-for-tests.ts";
import type { SamplePlanner } from "./sample-planner.ts";
import { parseSampling } from "./sampling.ts";

let root: string;
let place: string;
let planner: SamplePlanner;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "fusion-dataset-"));
  ({ planner } = await tinyPlanner(root));
});

afterAll(() => rm(root, { recursive: true, force: true }));

beforeEach(async () => {
  place = await mkdtemp(join(root, "place-"));
  await writePictures(place);
});

const file = () => join(place, "data.json");
const read = (options: Partial<DatasetOptions> = {}) => {
  return Dataset.open(file(), { planner, maxSkipped: 0, ...options });
};

/** What reading a file of these bytes says against it. */
async function refusal(contents: string | Uint8Array, maxSkipped = 0): Promise<FusionError> {
  await writeFile(file(), contents);
  return read({ maxSkipped }).then(
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
    ["a sample beyond the context", longSample(), /data\.json: record 1: \d+ tokens, the context holds 256$/],
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

/** Reads a file of these bytes and closes it. */
async function contentsOf(contents: string | Uint8Array, options: Partial<DatasetOptions> = {}) {
  await writeFile(file(), contents);
  const dataset = await read(options);
  await dataset.close();
  return dataset;
}

describe("a record that cannot be used is left out and named", () => {
  test("line 7 of 10 000", async () => {
    const records = new Array<string>(10_000).fill(JSON.stringify({ conversations: red!.conversations.slice(2) }));
    records[6] = '{"id": 7, "conversations": [';

    const { samples, skipped, fingerprint } = await contentsOf(records.join("\n"), { maxSkipped: 1 });

    expect(skipped).toEqual([
      { record: 7, unit: "line", reason: expect.stringMatching(/^expected JSON, got a mistake in it/) },
    ]);
    expect([samples.length, fingerprint.records]).toEqual([9999, 10_000]);
    expect(samples.slice(5, 7).map(({ record }) => record)).toEqual([6, 8]);
  });

  const broken: [what: string, record: unknown, reason: RegExp][] = [
    [
      "a conversation in disorder",
      { ...green, conversations: [] },
      /^conversations: expected a list of turns, got \[\]$/,
    ],
    [
      "a missing picture",
      { ...green, image: "images/none.png" },
      /^image: expected the picture .* nothing at this path$/,
    ],
    [
      "an absolute path",
      { ...green, image: "/etc/hostname" },
      /^image: expected a path inside .*, got \/etc\/hostname$/,
    ],
    [
      "a path that leads out",
      { ...green, image: "../data.png" },
      /^image: expected a path inside .*, got \.\.\/data\.png$/,
    ],
    ["a sample beyond the context", JSON.parse(longSample())[0], /^\d+ tokens, the context holds 256$/],
  ];

  test.each(broken)("%s", async (_what, record, reason) => {
    const { samples, skipped } = await contentsOf(JSON.stringify([red, record, red]), { maxSkipped: 1 });

    expect(skipped).toMatchObject([{ record: 2, unit: "record", reason: expect.stringMatching(reason) }]);
    expect(samples.map((sample) => sample.record)).toEqual([1, 3]);
  });

  test.skipIf(process.platform === "win32")("a link that leads out", async () => {
    await symlink("/dev/zero", join(place, "images/link.png"));

    const { skipped } = await contentsOf(JSON.stringify([red, { ...green, image: "images/link.png" }]), {
      maxSkipped: 1,
    });

    expect(skipped).toMatchObject([
      { record: 2, reason: expect.stringMatching(/^image: expected a path inside .*link/) },
    ]);
  });

  test.each([
    ["bytes that are no UTF-8", Buffer.from(array.replace("green", "gr\xfcn"), "latin1"), /^expected text in UTF-8/],
    ["a mistake inside a record of an array", array.replace('"id":"green"', '"id" "green"'), /^expected JSON/],
  ])("%s", async (_what, contents, reason) => {
    const { samples, skipped } = await contentsOf(contents, { maxSkipped: 1 });

    expect(skipped).toEqual([{ record: 2, unit: "record", reason: expect.stringMatching(reason) }]);
    expect(samples).toHaveLength(1);
  });

  test("but not one too many: the first ones are named, and the limit", async () => {
    const records = Array.from({ length: 8 }, (_, index) => ({ ...red, image: `images/${index}.png` }));

    const error = await refusal(JSON.stringify([red, ...records]), 6);

    expect(error).toMatchObject({ code: "DATASET_INVALID", hint: expect.stringMatching(/--max-skipped\.$/) });
    expect(error.message).toMatch(
      /data\.json: expected at most 6 records that cannot be used, got more: record 2 \(image: /,
    );
    expect(error.message).toMatch(/record 6 \([^)]*\), …$/);
  });

  test("but where none is left the file is refused", async () => {
    const { message } = await refusal(`{\n${longSample().slice(1, -1)}`, 10);

    expect(message).toMatch(
      /got only 2 that cannot be used: line 1 \(expected a whole record, got { alone\), line 2 \(\d+ t/,
    );
  });

  test.each([
    ["a comma too many", array.replace(/]$/, ",]"), /record 2: expected another record behind the comma/],
    ["an array that is cut off", array.slice(0, -20), /record 2: expected its closing }/],
  ])("but not where the end of one cannot be found: %s", async (_what, contents, message) => {
    expect((await refusal(contents, 100)).message).toMatch(message);
  });

  test("with those that turn out to be so later", async () => {
    await writeFile(file(), JSON.stringify([{ ...red, image: "images/none.png" }, red, green]));
    const dataset = await read({ maxSkipped: 2 });
    const reason = (entry: (typeof dataset.samples)[number]) => {
      const at = `${dataset.nameOf(entry)}, image`;
      return new FusionError({ code: "DATASET_INVALID", at, message: `${at}: no picture`, hint: "Repair it." });
    };
    const [second, third] = dataset.samples;

    expect(dataset.leaveOut(second!, reason(second!))).toEqual({
      record: 2,
      unit: "record",
      reason: "image: no picture",
    });
    expect(dataset.summary().skipped.map(({ record }) => record)).toEqual([1, 2]);
    expect(() => dataset.leaveOut(third!, reason(third!))).toThrow(
      /at most 2 records that cannot be used, got more: record 1/,
    );
    await dataset.close();
  });

  test("but what stops the reading is not taken for one", async () => {
    const stop = new FusionError({ code: "ABORTED", at: "training", message: "stopped", hint: "Begin again." });
    await writeFile(file(), lines);

    const onRecord = () => {
      throw stop;
    };
    await expect(read({ maxSkipped: 10, onRecord })).rejects.toBe(stop);
  });
});

describe("a sampling strategy", () => {
  const ten = Array.from({ length: 10 }, (_, index) => JSON.stringify({ ...red, id: String(index) }));

  test.each([
    ["first:3", [1, 2, 3]],
    ["end:30%", [8, 9, 10]],
    ["random:99", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
  ])("chooses among the records of a file: %s", async (text, records) => {
    for (const contents of [ten.join("\n"), `[${ten.join(",\n")}]`]) {
      const dataset = await contentsOf(contents, { sampling: parseSampling(text)! });

      expect(dataset.samples.map(({ record }) => record)).toEqual(records);
      expect(dataset.fingerprint).toMatchObject({ records: 10, samples: records.length, sampling: text });
    }
  });

  test("counts records, broken ones too: none takes the place of another, and those not chosen are not looked at", async () => {
    const contents = ten.with(2, "{").with(7, "{").join("\n");

    const first = await contentsOf(contents, { maxSkipped: 1, sampling: parseSampling("first:3")! });
    const end = await contentsOf(contents, { maxSkipped: 1, sampling: parseSampling("end:3")! });

    expect([first.samples, first.skipped].map((records) => records.map(({ record }) => record))).toEqual([[1, 2], [3]]);
    expect([end.samples, end.skipped].map((records) => records.map(({ record }) => record))).toEqual([[9, 10], [8]]);
  });

  test("chooses samples that are read as they stand", async () => {
    await writeFile(file(), ten.join("\n"));
    const dataset = await read({ sampling: parseSampling("random:4")! });

    for (const sample of dataset.samples) {
      expect((await dataset.read(sample)).lengths).toMatchObject({ tokens: sample.tokens, questions: 2 });
    }
    await dataset.close();
  });
});

test.each(["all", "first:1", "random:50%"])("the fingerprint is that of the whole file under %s", async (sampling) => {
  for (const contents of [array, `\ufeff${array}\n \n`, `\n${lines}\n`, lines + " ".repeat(200_000)]) {
    const { fingerprint } = await contentsOf(contents, { sampling: parseSampling(sampling)! });

    const bytes = await readFile(file());
    expect(fingerprint).toEqual({
      ...{ file: file(), bytes: bytes.length, records: 2, samples: sampling === "all" ? 2 : 1, sampling },
      sha256: createHash("sha256").update(bytes).digest("hex"),
    });
  }
});

test("ids that occur again are counted, and the first of them named", async () => {
  const ids = ["a", "b", "a", 3, "a", "3", undefined, undefined, "c".repeat(100), "c".repeat(100)];
  const records = ids.map((id) => ({ ...red, id }));

  expect((await contentsOf(JSON.stringify(records))).summary().duplicateIds).toEqual({
    count: 4,
    first: ["a", "3", `${"c".repeat(80)}…`],
  });
  expect((await contentsOf(array)).summary().duplicateIds).toEqual({ count: 0, first: [] });
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
