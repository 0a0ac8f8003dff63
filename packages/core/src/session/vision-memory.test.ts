import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FusionEngine } from "./engine.ts";
import { openSession, type TestSession, testPicture } from "./sessions-for-tests.ts";
import { VisionMemory } from "./vision-memory.ts";

/** The engine itself; it only counts, and refuses while it is told to. */
class CountingEngine extends FusionEngine {
  contexts = 0;
  bases = 0;
  isAway = false;

  override async encodeImageBase(...args: Parameters<FusionEngine["encodeImageBase"]>) {
    this.bases += 1;
    return super.encodeImageBase(...args);
  }

  override async encodeContext(...args: Parameters<FusionEngine["encodeContext"]>) {
    this.contexts += 1;
    if (this.isAway) throw new Error("the engine is away");
    return super.encodeContext(...args);
  }
}

let session: TestSession;
beforeAll(async () => {
  session = await openSession();
});
afterAll(() => session.dispose());

async function withMemory(use: (memory: VisionMemory, engine: CountingEngine) => Promise<void>): Promise<void> {
  const { backend, config, weights } = session.engine;
  const engine = new CountingEngine(backend, config, weights);
  await use(new VisionMemory(engine, 4), engine);
  await engine.dispose();
}

describe("VisionMemory", () => {
  it("encodes the quarters of a picture once, also for questions at the same time", () =>
    withMemory(async (memory, engine) => {
      const [a, b] = await Promise.all([memory.encodeContext(testPicture()), memory.encodeContext(testPicture())]);

      expect(a).toBe(b);
      expect(await memory.encodeContext(testPicture())).toBe(a);
      expect(engine.contexts).toBe(1);
    }));

  it("runs the first half of a picture once for every instruction, and remembers two pictures", () =>
    withMemory(async (memory, engine) => {
      const first = await memory.encodeImage(testPicture(), [5, 6]);
      const second = await memory.encodeImage(testPicture(), [7]);
      expect(engine.bases).toBe(1);
      expect(second.data).not.toEqual(first.data);
      expect((await memory.encodeImage(testPicture(), [5, 6])).data).toEqual(first.data);

      for (const seed of [1, 2]) await memory.encodeImage(testPicture(seed), [5]);
      await memory.encodeImage(testPicture(2), [6]);
      expect(engine.bases).toBe(3);
      await memory.encodeImage(testPicture(), [5]);
      expect(engine.bases).toBe(4);
    }));

  it("forgets the picture that was used longest ago", () =>
    withMemory(async (memory, engine) => {
      for (let seed = 0; seed < 8; seed++) await memory.encodeContext(testPicture(seed));
      await memory.encodeContext(testPicture(0));
      await memory.encodeContext(testPicture(8));
      expect(engine.contexts).toBe(9);

      await memory.encodeContext(testPicture(0));
      expect(engine.contexts).toBe(9);
      await memory.encodeContext(testPicture(1));
      expect(engine.contexts).toBe(10);
    }));

  it("does not remember a failure", () =>
    withMemory(async (memory, engine) => {
      engine.isAway = true;
      await expect(memory.encodeContext(testPicture())).rejects.toThrow("away");
      engine.isAway = false;

      await expect(memory.encodeContext(testPicture())).resolves.toBeDefined();
    }));
});
