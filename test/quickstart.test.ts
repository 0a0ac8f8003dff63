import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const script = new URL("../scripts/lib/quickstart.mjs", import.meta.url).href;

let place: string;
let recipe: Record<string, unknown>;

beforeAll(async () => {
  const dist = join(root, "packages/plugin-eval/dist/index.js");
  if (!existsSync(dist)) throw new Error("These tests run the built commands: run npm test, or npm run build first.");
  place = await mkdtemp(join(tmpdir(), "fusion-quickstart-"));
  recipe = {
    folder: join(place, "run"),
    preset: "nano",
    data: { count: 24, heldout: 4, questions: 2, seed: 7 },
    minutes: 11,
    closingMinutes: 1,
    trainingMinutes: 5,
    shares: { captions: 0.3, questions: 0.7 },
    training: { "batch-size": 2, "max-steps": 60, latents: 4, seed: 7 },
    scoring: { limit: 6 },
  };
});

afterAll(() => rm(place, { recursive: true, force: true }));

/** Runs what `npm run quickstart` runs, with the recipe of the test. */
function quickstart(changes: Record<string, unknown> = {}) {
  const code = `const { quickstart } = await import(${JSON.stringify(script)});
    process.exitCode = await quickstart(${JSON.stringify({ ...recipe, ...changes })});`;
  const { NODE_ENV: _, ...env } = process.env;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", code], { cwd: root, env, detached: true });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk: Buffer) => {
      output[name] += chunk.toString();
    });
  }
  const end = new Promise<{ exitCode: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on("close", (exitCode) => resolve({ exitCode, ...output }));
  });
  /** Ctrl-C in a terminal: everything that runs there gets it. */
  const interrupt = async (pattern: RegExp) => {
    while (child.exitCode === null && !pattern.test(output.stderr)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    process.kill(-child.pid!, "SIGINT");
  };
  return { end, interrupt };
}

test("a training that is stopped goes on in the next run, to the page and the answers", async () => {
  const first = quickstart();
  await first.interrupt(/npx fusion train[^$]* {2}step 1 /);

  const stopped = await first.end;

  expect(stopped.exitCode).toBe(130);
  expect(stopped.stderr).toContain(
    "Stopped. npm run quickstart goes on from what is finished, and training from its last checkpoint.",
  );
  expect((await readdir(join(place, "run"))).toSorted()).toEqual(["data", "model.training", "recipe.json", "start"]);

  const { exitCode, stdout, stderr } = await quickstart().end;

  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringContaining("run/data is there already.") });
  expect(stderr).not.toContain("npx fusion data synth");
  expect(stderr).toMatch(/\$ npx fusion train resume \S+model\n/);
  expect(stderr).toMatch(/\$ npx fusion eval run --benchmark builtin .* --blank --out \S+scores --limit 6\n/);
  expect(
    stdout.match(
      /^picture {3}.*\nquestion {2}.+\nexpected {2}.+\nanswer {4}.+ {2}\((right|wrong)\)\nnano {6}.+ {2}\((right|wrong)\)$/gm,
    ),
  ).toHaveLength(3);
  expect(stdout).toMatch(
    /exactly, with the picture: +[\d.]+ %\n.*blank picture: +[\d.]+ %\nLooking adds \+?-?[\d.]+ points/,
  );
  const page = await readFile(join(place, "run/report.html"), "utf8");
  for (const part of ["Key facts", "Losses", "Right answers", "Pictures, questions, answers", "data:image/png"]) {
    expect(page).toContain(part);
  }
}, 300_000);

test("a model that was trained anew is scored anew", async () => {
  const run = join(place, "run");
  if (!existsSync(join(run, "scores"))) await quickstart().end;
  await rm(join(run, "model"), { recursive: true });

  const { exitCode, stderr } = await quickstart().end;

  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/\$ npx fusion eval run .* --out \S+scores --limit 6 --restart\n/);
}, 300_000);

test("a folder that another recipe has made is left alone", async () => {
  const { exitCode, stderr } = await quickstart({ seed: 8 }).end;

  expect([exitCode, stderr]).toEqual([1, expect.stringContaining("was made with other numbers. Delete or rename it")]);
});

test("training gets what is left of the time", async () => {
  const { trainingMinutes } = await import(script);
  const times = { minutes: 11.5, closingMinutes: 1.5, trainingMinutes: 8 };

  expect(trainingMinutes(times, 1)).toBe(8);
  expect(trainingMinutes(times, 4)).toBe(6);
  expect(trainingMinutes(times, 20)).toBe(0.5);
});

test("the three questions are of three kinds and about three pictures", async () => {
  const { threeQuestions } = await import(script);
  const record = (image: string, kind: string) => ({
    image,
    kind,
    conversations: [{ value: `<image>\n${kind}?` }, { value: "yes" }],
  });

  const chosen = threeQuestions([
    record("1", "a"),
    record("1", "b"),
    record("2", "a"),
    record("2", "b"),
    record("3", "c"),
  ]);

  expect(chosen.map(({ image, question }: { image: string; question: string }) => [image, question])).toEqual([
    ["1", "a?"],
    ["2", "b?"],
    ["3", "c?"],
  ]);
});
