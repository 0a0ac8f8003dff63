import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { writePictures, writeRecords } from "../trainer/training-data-for-tests.ts";
import { closeData, type GivenData, openData } from "./open-data.ts";
import { tinyPlanner } from "./planner-for-tests.ts";
import type { SamplePlanner } from "./sample-planner.ts";

let root: string;
let place: string;
let planner: SamplePlanner;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "fusion-open-data-"));
  ({ planner } = await tinyPlanner(root));
});

afterAll(() => rm(root, { recursive: true, force: true }));

beforeEach(async () => {
  place = await mkdtemp(join(root, "place-"));
  await writeRecords(place, texts(50), "a.json");
  await writeRecords(place, texts(20), "b.json");
});

function texts(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    id: String(index),
    conversations: [
      { from: "human", value: "What is it?" },
      { from: "gpt", value: "red" },
    ],
  }));
}

async function mix(contents: string, name = "mix.yaml"): Promise<string> {
  const file = join(place, name);
  await writeFile(file, contents);
  return file;
}

/** For each given file its name, and of its datasets the names and the records that were chosen. */
async function read(given: readonly GivenData[], seed = 0) {
  const seen: string[] = [];
  const opened = await openData(given, {
    ...{ planner, maxSkipped: 0, seed },
    onDataset: ({ name }) => void seen.push(name),
  });
  await closeData(opened);
  expect(opened.flatMap(({ datasets }) => datasets.map(({ name }) => name))).toEqual(seen);
  const short = (path: string) => relative(place, path);
  return opened.map(({ name, datasets }) => ({
    name: short(name),
    datasets: datasets.map(({ name, samples, fingerprint }) => {
      return [short(name), fingerprint.sampling, samples.map(({ record }) => record)] as const;
    }),
  }));
}

test("each given file is a phase; those of a mixing file are one, under their own names", async () => {
  const mixed = await mix(
    "datasets: [{ json_path: a.json, sampling_strategy: first:2 }, { json_path: b.json, sampling_strategy: end:10% }]",
  );

  expect(await read([{ file: join(place, "b.json") }, { file: mixed }])).toEqual([
    { name: "b.json", datasets: [["b.json", "all", Array.from({ length: 20 }, (_, index) => index + 1)]] },
    {
      name: "mix.yaml",
      datasets: [
        ["a.json", "first:2", [1, 2]],
        ["b.json", "end:10%", [19, 20]],
      ],
    },
  ]);
});

test("a file that a mixing file names twice has its place in its name", async () => {
  const mixed = await mix(
    "datasets: [{ json_path: a.json, sampling_strategy: first:1 }, { json_path: b.json, sampling_strategy: first:1 }, { json_path: a.json, sampling_strategy: end:1 }]",
  );

  const [phase] = await read([{ file: mixed }]);

  expect(phase?.datasets).toEqual([
    ["a.json (datasets[0])", "first:1", [1]],
    ["b.json", "first:1", [1]],
    ["a.json (datasets[2])", "end:1", [50]],
  ]);
});

test("random records are those of the seed, whatever the folder is called, and others at each place", async () => {
  const draw = "{ json_path: a.json, sampling_strategy: random:10 }";
  const mixed = await mix(`datasets: [${draw}, ${draw}]`);
  const records = async (seed: number) =>
    (await read([{ file: mixed }], seed))[0]!.datasets.map(([, , chosen]) => chosen);

  const [first, second] = await records(1);
  expect([first!.length, second!.length]).toEqual([10, 10]);
  expect(second).not.toEqual(first);
  expect(await records(1)).toEqual([first, second]);
  expect((await records(2))[0]).not.toEqual(first);

  const moved = `${place}-moved`;
  await rename(place, moved);
  const [again] = await read([{ file: join(moved, "mix.yaml") }], 1);
  expect(again!.datasets[0]![2]).toEqual(first);
});

test("images are looked for in the entry's folder, then in the given one, then beside the data file", async () => {
  for (const folder of ["own", "given", "data"]) await mkdir(join(place, folder));
  await writePictures(join(place, "own"));
  await writePictures(join(place, "given"));
  await writePictures(join(place, "data"));
  await rm(join(place, "given/images/red.png"));
  await rm(join(place, "data/images/green.png"));
  const picture = (name: string) => texts(1).map((record) => ({ ...record, image: `images/${name}.png` }));
  await writeRecords(join(place, "data"), picture("red"), "red.json");
  await writeRecords(join(place, "data"), picture("green"), "green.json");

  const red = await mix("datasets: [{ json_path: data/red.json, images: own }]", "red.yaml");
  const green = await mix("datasets: [{ json_path: data/green.json }]", "green.yaml");
  const given = join(place, "given");

  await read([{ file: red, images: given }, { file: green, images: given }, { file: join(place, "data/red.json") }]);
  await expect(read([{ file: green }])).rejects.toThrow(/green\.json: record 1, image: .* nothing at this path$/);
});

test("a data file that is not there is told by the key that names it", async () => {
  const mixed = await mix("datasets: [{ json_path: a.json }, { json_path: none.json }]");

  await expect(read([{ file: mixed }])).rejects.toMatchObject({
    code: "DATASET_INVALID",
    message: expect.stringMatching(
      /mix\.yaml: datasets\[1\]\.json_path: .*none\.json: expected .* got nothing at this path$/,
    ),
    hint: expect.stringMatching(/relative to the mixing file/),
  });
});

test("mixing files are read before any data file", async () => {
  const mixed = await mix("datasets: []");

  await expect(read([{ file: "none.json" }, { file: mixed }])).rejects.toThrow(/mix\.yaml: datasets/);
});
