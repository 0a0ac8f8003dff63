import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LookupGain } from "./lookup-decoder.ts";
import { openSession, type TestSession } from "./sessions-for-tests.ts";

let session: TestSession;
beforeAll(async () => {
  session = await openSession();
});
afterAll(() => session.dispose());

const questions = [
  "Say it again: red red red red red red.",
  "What is in the picture? What is in the picture?",
  "Count: one two one two one two one",
  "?",
];

async function answers(lookup: boolean) {
  const found: (readonly number[])[] = [];
  const calls: Record<string, number> = {};
  for (const question of questions) {
    const chat = session.chat();
    session.engine.take();
    const first = await chat.send(question, { maxTokens: 40, lookup });
    const second = await chat.send("And again?", { maxTokens: 40, lookup });
    found.push([...first.tokens, -1, ...second.tokens]);
    for (const { kind } of session.engine.take()) calls[kind] = (calls[kind] ?? 0) + 1;
    await chat.dispose();
  }
  return { found, calls };
}

describe("looking up what stood before", () => {
  it("gives the answers that it gives without, in fewer runs, also in a later turn", async () => {
    const plain = await answers(false);
    const looked = await answers(true);

    expect(looked.found).toEqual(plain.found);
    expect(plain.calls).not.toHaveProperty("verify");
    expect(looked.calls.verify).toBeGreaterThan(0);
    expect(looked.calls.decode! + looked.calls.verify!).toBeLessThan(plain.calls.decode!);
  });

  it("leaves out of the conversation what was tried out and not chosen", async () => {
    const chat = session.chat();
    const { tokens } = await chat.send(questions[0]!, { maxTokens: 30 });
    const { usage } = await chat.send("And?", { maxTokens: 1 });
    const alone = session.chat();
    const first = await alone.send(questions[0]!, { maxTokens: 30, lookup: false });
    const second = await alone.send("And?", { maxTokens: 1, lookup: false });

    expect(tokens).toEqual(first.tokens);
    expect(usage.cachedTokens).toBe(second.usage.cachedTokens);
    await chat.dispose();
    await alone.dispose();
  });
});

describe("its gain", () => {
  it("is believed until runs over several rows have cost more than they gave", () => {
    const gain = new LookupGain();
    expect(gain.isWorthwhile).toBe(true);
    for (let i = 0; i < 5; i++) gain.addSingle(10);
    for (let i = 0; i < 5; i++) gain.addSeveral(30, 2);
    expect(gain.isWorthwhile).toBe(false);
    for (let i = 0; i < 20; i++) gain.addSeveral(30, 6);
    expect(gain.isWorthwhile).toBe(true);
  });
});
