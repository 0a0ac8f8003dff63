import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { writeTinyModel } from "@fusion-vlm/core/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { failureOf, type Running, Workplace } from "./fusion-for-tests.ts";

// Each starts processes that load the engine, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 });

let place: Workplace;

beforeEach(async () => {
  place = await Workplace.open("linked");
  await writeTinyModel(place.path("model"));
  await mkdir(place.path("work"));
});

afterEach(() => place.close());

/** What commands have left beside their output, hidden folders included. */
const left = () => readdir(place.path("work"));
const partial = (name: string) =>
  readdirSync(place.path("work")).find((entry) => entry.startsWith(`.${name}.`) && entry.endsWith(".partial"));

/** True once a training has made its folder. */
const isBegun = () => existsSync(place.path("work/out.training/train-log.jsonl"));

/** Waits until something is so while a command runs. */
async function until(command: Running, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    if (command.process.exitCode !== null) throw new Error(`ended too early: ${command.output.stderr}`);
    await sleep(5);
  }
}

/** Starts a training without end on `records` samples without pictures. */
async function training(records: number, flags: readonly string[], model = "model"): Promise<Running> {
  const conversations = [
    { from: "human", value: "Two and two?" },
    { from: "gpt", value: "Four." },
  ];
  await writeFile(place.path("data.jsonl"), `${JSON.stringify({ conversations })}\n`.repeat(records));
  const common = ["--data", "data.jsonl", "--model", model, "--out", "work/out", "--threads", "1"];
  return place.start(["train", ...common, ...flags]);
}

const endless = ["--max-steps", "1000000", "--batch-size", "4", "--latents", "4"];
const synthesis = (count: number) => place.start(["data", "synth", "--out", "work/set", "--count", `${count}`]);

describe("Ctrl-C", () => {
  const moments: [moment: string, records: number, message: RegExp, reached: (command: Running) => Promise<void>][] = [
    ["reading", 50_000, /nothing was written$/, (command) => until(command, () => isBegun())],
    ["compiling", 8, /nothing was written$|saved in .*out\.training/, ({ until }) => until("stderr", /learning rate/)],
    ["stepping", 8, /after \d+ steps, which are saved in .*out\.training/, ({ until }) => until("stderr", /step 1 /)],
  ];

  test.each(moments)("while a training is %s keeps what it has learned", async (_moment, records, message, reached) => {
    const command = await training(records, endless);
    await reached(command);
    command.process.kill("SIGINT");
    const { exitCode, stderr, stdout } = await command.end;

    expect(failureOf(stderr)).toMatchObject({ code: "ABORTED", message: expect.stringMatching(message) });
    expect(stderr.match(/^Error: training: stopped by Ctrl-C; /gm)).toHaveLength(1);
    expect(stderr).not.toMatch(/^ +at /m);
    expect([exitCode, stdout]).toEqual([130, ""]);
    const isSaved = /saved in/.test(stderr);
    expect([await left(), await place.leftovers()]).toEqual([isSaved ? ["out.training"] : [], []]);
    if (isSaved) expect(await readdir(place.path("work/out.training"))).toContain("last");
  });

  test("twice ends a training at once, and the next one goes on or begins again", async () => {
    const command = await training(64, ["--max-steps", "2"], "nano");
    await command.until("stderr", /learning rate/);
    command.process.kill("SIGINT");
    await sleep(50); // the compiler needs a second
    command.process.kill("SIGINT");
    const { exitCode, stderr } = await command.end;

    // Shells report 130 for a process that the signal has ended.
    expect([exitCode, command.process.signalCode]).toEqual([null, "SIGINT"]);
    expect(stderr).not.toContain("Error");
    expect([await left(), await place.leftovers()]).toEqual([["out.training"], []]);
    expect((await (await training(64, ["--max-steps", "2"], "nano")).end).exitCode).toBe(0);
    expect(await left()).toEqual(["out"]);
  });

  test("while pictures are drawn leaves nothing behind", async () => {
    const command = synthesis(100_000);
    await until(command, () => partial("set") !== undefined);
    command.process.kill("SIGINT");
    const { exitCode, stderr } = await command.end;

    expect(stderr).toBe("Error: stopped by Ctrl-C\nCode: ABORTED\nTry this: Run the command again to start over.\n");
    expect([exitCode, await left()]).toEqual([130, []]);
  });
});

describe.each(["SIGINT", "SIGKILL"] as const)("an evaluation that %s stops", (signal) => {
  test("keeps its answers, and the next run goes on behind them", async () => {
    place.fusion(["data", "synth", "--out", "set", "--count", "1", "--heldout", "8", "--size", "32"]);
    const flags = [
      "--benchmark",
      "builtin",
      "--data",
      "set",
      "--model",
      "model",
      "--out",
      "work/scores",
      "--max-tokens",
      "4",
    ];
    const predictions = place.path("work/scores/predictions.jsonl");
    const lines = () => (existsSync(predictions) ? readFileSync(predictions, "utf8").split("\n").length - 1 : 0);

    const command = place.start(["eval", "run", ...flags]);
    await until(command, () => lines() >= 3);
    command.process.kill(signal);
    const { exitCode, stderr } = await command.end;
    const kept = readFileSync(predictions, "utf8");
    const answers = lines() - 1;

    expect(exitCode).toBe(signal === "SIGINT" ? 130 : null);
    if (signal === "SIGINT")
      expect(failureOf(stderr)).toMatchObject({ code: "ABORTED", message: expect.stringMatching(/Ctrl-C/) });
    const next = place.fusion(["eval", "run", ...flags, "--json"]);
    expect(JSON.parse(next.stdout).run.resumed).toBe(answers);
    expect(readFileSync(predictions, "utf8").startsWith(kept)).toBe(true);
    expect((await left()).concat(await readdir(place.path("work/scores")))).toEqual([
      ...["scores", "predictions.jsonl", "score.json"],
    ]);
  });
});

describe("kill -9", () => {
  test("leaves a dataset's hidden folder; the next synthesis names it and is not disturbed", async () => {
    const killed = synthesis(100_000);
    await until(killed, () => partial("set") !== undefined);
    killed.process.kill("SIGKILL");
    await killed.end;
    const folder = partial("set")!;
    expect(await left()).toEqual([folder]);

    const next = await synthesis(2).end;

    expect(next.exitCode).toBe(0);
    expect(next.stderr).toBe(
      `Note: ${place.path("work", folder)}: left by a synthesis that was killed; it is not complete, and can be deleted\n`,
    );
    expect(await left()).toEqual([folder, "set"]);
  });
});
