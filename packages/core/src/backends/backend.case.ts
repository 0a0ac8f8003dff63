import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import { type Dtype, type DtypeArrays, float32, int64, type Tensor, tensor } from "../tensor/index.ts";
import type { Backend, StateTensor } from "./backend.ts";
import { onnxFixture, value } from "./onnx-fixture.ts";

/** y = -x for any length. */
const negate = (dtype: Dtype) =>
  onnxFixture({
    name: `negate-${dtype}`,
    nodes: [{ op: "Neg", inputs: ["x"], outputs: ["y"] }],
    inputs: [value("x", dtype, ["S"])],
    outputs: [value("y", dtype, ["S"])],
  });

/** y = x: every dtype has it. */
const identity = (dtype: Dtype, shape: readonly (number | string)[] = ["S"]) =>
  onnxFixture({
    name: `identity-${dtype}`,
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
    inputs: [value("x", dtype, shape)],
    outputs: [value("y", dtype, shape)],
  });

/** c = a + b and d = a * b over one symbolic length. */
const arithmetic = onnxFixture({
  name: "arithmetic",
  nodes: [
    { op: "Add", inputs: ["a", "b"], outputs: ["c"] },
    { op: "Mul", inputs: ["a", "b"], outputs: ["d"] },
  ],
  inputs: [value("a", "float32", ["S", 2]), value("b", "float32", ["S", 2])],
  outputs: [value("c", "float32", ["S", 2]), value("d", "float32", ["S", 2])],
});

/** Declares nothing about K of b, so that the engine itself finds the mismatch. */
const product = onnxFixture({
  name: "product",
  nodes: [{ op: "MatMul", inputs: ["a", "b"], outputs: ["c"] }],
  inputs: [value("a", "float32", ["M", "J"]), value("b", "float32", ["K", "N"])],
  outputs: [value("c", "float32", ["M", "N"])],
});

type CaseName =
  | "dtypes"
  | "outputs"
  | "feeds"
  | "engine errors"
  | "external weights"
  | "states"
  | "denormals"
  | "order"
  | "dispose";

export interface BackendCaseOptions {
  /** Cases that this backend cannot pass, each with the reason. */
  readonly skip?: Partial<Record<CaseName, string>>;
}

/** What every backend must do. Registers a suite; the factory makes a fresh backend. */
export function backendCases(
  name: string,
  create: () => Promise<Backend>,
  { skip = {} }: BackendCaseOptions = {},
): void {
  describe(name, () => {
    let backend: Backend;
    let folder: string;
    beforeAll(async () => {
      backend = await create();
      folder = await mkdtemp(join(tmpdir(), "backend-case-"));
    });
    afterAll(async () => {
      await backend.dispose();
      await rm(folder, { recursive: true, force: true });
    });

    const group = (title: CaseName, define: () => void) => {
      const reason = skip[title];
      if (reason === undefined) describe(title, define);
      else it.skip(`${title}: ${reason}`, () => {});
    };

    const failure = async (job: Promise<unknown>): Promise<FusionError> => {
      const error = await job.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(FusionError);
      return error as FusionError;
    };

    group("dtypes", () => {
      const values: { [D in Dtype]?: DtypeArrays[D] } = {
        float32: Float32Array.of(1.5, -2, 0),
        float16: Uint16Array.of(0x3c00, 0xc000, 0x0001), // 1, -2, the smallest denormal
        int64: BigInt64Array.of(1n, -(2n ** 62n), 0n),
        int32: Int32Array.of(1, -(2 ** 31), 0),
        int8: Int8Array.of(1, -128, 127),
        uint8: Uint8Array.of(1, 255, 0),
        bool: Uint8Array.of(1, 0, 1),
      };
      it.each(Object.entries(values))("carries %s in and out unchanged", async (dtype, data) => {
        const program = await backend.compile(identity(dtype as Dtype));

        const { y } = await program.run({ x: tensor(dtype as Dtype, [3], data) });

        expect(y).toEqual({ dtype, shape: [3], data });
        await program.dispose();
      });

      it("carries a scalar and an empty tensor", async () => {
        const scalar = await backend.compile(identity("float32", []));
        const list = await backend.compile(identity("int64"));

        expect((await scalar.run({ x: float32([], [7]) })).y).toEqual(float32([], [7]));
        expect((await list.run({ x: int64([0], []) })).y).toEqual(int64([0], []));
      });

      it("feeds a view of a larger array, and leaves the caller's memory alone", async () => {
        const program = await backend.compile(negate("float32"));
        const memory = Float32Array.of(9, 1, 2, 9);

        const { y } = await program.run({ x: tensor("float32", [2], memory.subarray(1, 3)) });

        expect(y).toEqual(float32([2], [-1, -2]));
        expect(memory).toEqual(Float32Array.of(9, 1, 2, 9));
      });

      it("feeds shared memory", async () => {
        const program = await backend.compile(negate("float32"));
        const shared = new Float32Array(new SharedArrayBuffer(8));
        shared.set([3, 4]);

        expect((await program.run({ x: tensor("float32", [2], shared) })).y).toEqual(float32([2], [-3, -4]));
      });

      it("refuses a program with a bfloat16 border", async () => {
        const error = await failure(backend.compile(identity("bfloat16")));

        expect(error.code).toBe("DTYPE_MISMATCH");
        expect(error.message).toBe(
          "identity-bfloat16: input x: expected a dtype that crosses into the engine, got bfloat16",
        );
      });
    });

    group("outputs", () => {
      const feeds = { a: float32([1, 2], [2, 3]), b: float32([1, 2], [5, 7]) };

      it("returns all of them, or those that are fetched", async () => {
        const program = await backend.compile(arithmetic);

        expect(await program.run(feeds)).toEqual({ c: float32([1, 2], [7, 10]), d: float32([1, 2], [10, 21]) });
        expect(await program.run(feeds, { fetch: ["d"] })).toEqual({ d: float32([1, 2], [10, 21]) });
      });

      it.each([true, false])("are right for one shape after another (planMemory %s)", async (planMemory) => {
        const program = await backend.compile(arithmetic, { planMemory });
        for (const length of [1, 300, 300, 2, 300]) {
          const a = float32([length, 2], new Array(2 * length).fill(length));
          const { c, d } = await program.run({ a, b: a });
          expect([c?.shape, c?.data.at(-1), d?.data.at(-1)]).toEqual([[length, 2], 2 * length, length * length]);
        }
        await program.dispose();
      });

      it("refuses an unknown name and a run that wants nothing", async () => {
        const program = await backend.compile(arithmetic);

        const unknown = await failure(program.run(feeds, { fetch: ["e"] }));
        expect(unknown.code).toBe("OPTION_INVALID");
        expect(unknown.message).toBe("arithmetic: output e: expected one of c, d, got e");
        expect((await failure(program.run(feeds, { fetch: [] }))).code).toBe("OPTION_INVALID");
      });
    });

    group("feeds", () => {
      const a = float32([1, 2], [1, 2]);
      const refusals: [string, Record<string, Tensor>, string, string][] = [
        ["a missing input", { a }, "OPTION_INVALID", "arithmetic: input b: expected float32 [S, 2], got nothing"],
        ["an unknown input", { a, b: a, z: a }, "OPTION_INVALID", "arithmetic: input z: expected one of a, b, got z"],
        [
          "another dtype",
          { a, b: int64([1, 2], [1, 2]) },
          "DTYPE_MISMATCH",
          "arithmetic: input b: expected float32, got int64",
        ],
        [
          "another rank",
          { a, b: float32([2], [1, 2]) },
          "SHAPE_MISMATCH",
          "arithmetic: input b: expected [S, 2] (rank 2), got [2]",
        ],
        [
          "another size",
          { a, b: float32([1, 3], [1, 2, 3]) },
          "SHAPE_MISMATCH",
          "arithmetic: input b: expected [S, 2], got [1, 3]",
        ],
        [
          "two sizes of one symbol",
          { a, b: float32([2, 2], [1, 2, 3, 4]) },
          "SHAPE_MISMATCH",
          "arithmetic: input b: expected [S, 2] with S = 1 (from input a), got [2, 2]",
        ],
        [
          "an array of another type than the dtype says",
          { a, b: { dtype: "float32", shape: [1, 2], data: Int32Array.of(1, 2) } as unknown as Tensor },
          "DTYPE_MISMATCH",
          "arithmetic: input b: expected Float32Array for float32, got Int32Array",
        ],
      ];
      it.each(refusals)("names program and input for %s", async (_title, feeds, code, message) => {
        const program = await backend.compile(arithmetic);

        const error = await failure(program.run(feeds));

        expect(error.code).toBe(code);
        expect(error.message).toBe(message);
        expect(error.hint).not.toBe("");
        expect(error.details.at).toBe(error.at);
      });
    });

    group("engine errors", () => {
      it("names program and node when an operator fails, in one line", async () => {
        const program = await backend.compile(product);

        const error = await failure(program.run({ a: float32([1, 2], [1, 2]), b: float32([3, 1], [1, 2, 3]) }));

        expect(error.code).toBe("BACKEND_FAILED");
        expect(error.message).toMatch(/^product: node block\/MatMul \(MatMul\): .*dimension mismatch$/);
        expect(error.details).toMatchObject({ node: "block/MatMul", op: "MatMul" });
        expect(error.cause).toBeInstanceOf(Error);
      });

      it("works on after a failed run", async () => {
        const program = await backend.compile(product);
        await failure(program.run({ a: float32([1, 2], [1, 2]), b: float32([3, 1], [1, 2, 3]) }));

        const { c } = await program.run({ a: float32([1, 2], [1, 2]), b: float32([2, 1], [3, 4]) });

        expect(c).toEqual(float32([1, 1], [11]));
      });

      it("names the program when bytes are no model, or an operator does not exist", async () => {
        const garbage = { ...arithmetic, bytes: Uint8Array.of(1, 2, 3) };
        const unknown = onnxFixture({ ...negateParts, nodes: [{ op: "Bogus", inputs: ["x"], outputs: ["y"] }] });

        const first = await failure(backend.compile(garbage));
        const second = await failure(backend.compile(unknown));

        expect(first.code).toBe("BACKEND_FAILED");
        expect(first.message).toMatch(/^arithmetic: .*protobuf parsing failed/);
        expect(second.message).toMatch(/^bogus: .*Bogus/);
        expect(second.message).not.toContain("\n");
      });
    });

    group("external weights", () => {
      const affine = (weightsFolder: string) =>
        onnxFixture({
          name: "affine",
          nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
          inputs: [value("x", "float32", ["S", 2])],
          outputs: [value("y", "float32", ["S", 3])],
          weights: [{ name: "w", shape: [2, 3], location: "weights.bin", offset: 8, length: 24 }],
          weightsFolder,
        });

      it.each([true, false])("reads them from a file, at an offset (prepack %s)", async (prepack) => {
        await writeFile(join(folder, "weights.bin"), Float32Array.of(99, 99, 1, 2, 3, 4, 5, 6));

        const program = await backend.compile(affine(folder), { prepack });

        expect((await program.run({ x: float32([1, 2], [1, 10]) })).y).toEqual(float32([1, 3], [41, 52, 63]));
        await program.dispose();
      });

      it("names the program when the folder or the file is not there", async () => {
        const noFolder = await failure(backend.compile(affine(join(folder, "nowhere"))));
        await rm(join(folder, "weights.bin"), { force: true });
        const noFile = await failure(backend.compile(affine(folder)));

        expect(noFolder.code).toBe("BACKEND_FAILED");
        expect(noFolder.message).toMatch(/^affine: ENOENT.*nowhere/);
        expect(noFile.code).toBe("BACKEND_FAILED");
        expect(noFile.message).toMatch(/^affine: .*weights\.bin/);
      });
    });

    group("states", () => {
      /** The state after `block` is written to zeros of shape [2, 3, 4] at an offset of an axis. */
      const written = async (axis: number, offset: number, block: Tensor): Promise<Tensor> => {
        const program = await backend.compile(identity("float32", ["A", "B", "C"]));
        const state = await backend.allocate("float32", [2, 3, 4]);
        const returned = await program.run({ x: block }, { write: { y: { into: state, axis, offset } } });
        expect(returned).toEqual({});
        const contents = await state.read();
        await state.dispose();
        return contents;
      };

      it("starts as zeros", async () => {
        const state = await backend.allocate("int64", [2, 2]);

        expect(await state.read()).toEqual(int64([2, 2], [0, 0, 0, 0]));
      });

      it("receives a block along the first axis", async () => {
        const block = float32([1, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);

        expect(Array.from((await written(0, 1, block)).data as Float32Array)).toEqual([
          ...Array(12).fill(0),
          ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
        ]);
      });

      it("receives a block along a middle axis", async () => {
        const block = float32([2, 1, 4], [1, 2, 3, 4, 5, 6, 7, 8]);

        expect(Array.from((await written(1, 2, block)).data as Float32Array)).toEqual([
          ...[0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
          ...[0, 0, 0, 0, 0, 0, 0, 0, 5, 6, 7, 8],
        ]);
      });

      it("receives a block along the last axis", async () => {
        const block = float32([2, 3, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);

        expect(Array.from((await written(2, 1, block)).data as Float32Array)).toEqual([
          ...[0, 1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 0],
          ...[0, 7, 8, 0, 0, 9, 10, 0, 0, 11, 12, 0],
        ]);
      });

      it("is fed like a tensor, and one run may read and write it", async () => {
        const program = await backend.compile(arithmetic);
        const state = await backend.allocate("float32", [1, 2]);
        const sum = { write: { c: { into: state, axis: 0, offset: 0 } }, fetch: ["d"] };

        await program.run({ a: state, b: float32([1, 2], [1, 2]) }, sum);
        const second = await program.run({ a: state, b: float32([1, 2], [10, 20]) }, sum);

        expect(second).toEqual({ d: float32([1, 2], [10, 40]) });
        expect(await state.read()).toEqual(float32([1, 2], [11, 22]));
      });

      it("keeps the common part when it is resized, and ends the old one", async () => {
        const program = await backend.compile(identity("float32", ["A", "B"]));
        const state = await backend.allocate("float32", [2, 2]);
        const all = { write: { y: { into: state, axis: 0, offset: 0 } } };
        await program.run({ x: float32([2, 2], [1, 2, 3, 4]) }, all);

        const wider = await state.resize(1, 3);
        expect(await wider.read()).toEqual(float32([2, 3], [1, 2, 0, 3, 4, 0]));
        const shorter = await wider.resize(0, 1);
        expect(await shorter.read()).toEqual(float32([1, 3], [1, 2, 0]));

        expect((await failure(state.read())).message).toBe("state: expected a live one, got one that was disposed");
        expect((await failure(shorter.resize(2, 1))).code).toBe("OPTION_INVALID");
      });

      it("refuses a block that does not fit, and stays as it was", async () => {
        const program = await backend.compile(arithmetic);
        const small = await backend.allocate("float32", [1, 2]);
        const large = await backend.allocate("float32", [2, 2]);
        const rows = float32([2, 2], [1, 2, 3, 4]);
        const write = { c: { into: large, axis: 0, offset: 0 }, d: { into: small, axis: 0, offset: 0 } };

        const error = await failure(program.run({ a: rows, b: rows }, { write }));

        expect(error.code).toBe("SHAPE_MISMATCH");
        expect(error.message).toBe(
          "arithmetic: write of d: expected a block that fits [1, 2] at offset 0 of axis 0, got [2, 2]",
        );
        expect(await large.read()).toEqual(float32([2, 2], [0, 0, 0, 0]));
      });

      it("refuses another dtype, and the state of another backend", async () => {
        const program = await backend.compile(identity("float32"));
        const integers = await backend.allocate("int32", [1]);
        const other = await create();
        const foreign = await other.allocate("float32", [1]);
        const to = (into: StateTensor) => ({ write: { y: { into, axis: 0, offset: 0 } } });

        expect((await failure(program.run({ x: float32([1], [1]) }, to(integers)))).code).toBe("DTYPE_MISMATCH");
        expect((await failure(program.run({ x: float32([1], [1]) }, to(foreign)))).code).toBe("OPTION_INVALID");
        expect((await failure(program.run({ x: foreign }))).code).toBe("OPTION_INVALID");
        await other.dispose();
      });
    });

    group("denormals", () => {
      it("flushes them to zero in the first and in a second backend of the process", async () => {
        const second = await create();
        const tiny = float32([4096, 2], new Float32Array(8192).fill(1e-30));
        const tinier = float32([4096, 2], new Float32Array(8192).fill(1e-10));

        for (const engine of [backend, second]) {
          const program = await engine.compile(arithmetic);
          const { d } = await program.run({ a: tiny, b: tinier });
          expect((d!.data as Float32Array).every((product) => product === 0)).toBe(true);
        }
        await second.dispose();
      });
    });

    group("order", () => {
      it("makes calls in the order they were asked for, without waiting between them", async () => {
        const program = await backend.compile(arithmetic);
        const state = await backend.allocate("float32", [1, 2]);
        const double = { write: { c: { into: state, axis: 0, offset: 0 } }, fetch: [] };
        const one = float32([1, 2], [1, 1]);

        const runs = [program.run({ a: one, b: one }, double)];
        for (let i = 0; i < 5; i++) runs.push(program.run({ a: state, b: state }, double));
        const contents = state.read();
        await Promise.all(runs);

        expect(await contents).toEqual(float32([1, 2], [64, 64]));
      });
    });

    group("dispose", () => {
      it("ends a program: a later run fails, a second dispose does nothing", async () => {
        const program = await backend.compile(arithmetic);
        await program.dispose();
        await program.dispose();

        const error = await failure(program.run({}));

        expect(error.code).toBe("BACKEND_FAILED");
        expect(error.message).toBe("program arithmetic: expected a live one, got one that was disposed");
      });

      it("ends the backend with its programs and states, after the calls already made", async () => {
        const other = await create();
        const program = await other.compile(negate("float32"));
        const state = await other.allocate("float32", [1]);
        const running = program.run({ x: float32([1], [5]) });

        await Promise.all([other.dispose(), other.dispose()]);

        expect((await running).y).toEqual(float32([1], [-5]));
        const late = [
          () => other.compile(arithmetic),
          () => other.allocate("float32", [1]),
          () => program.run({ x: float32([1], [5]) }),
          () => state.read(),
        ];
        for (const call of late) expect((await failure(call())).code).toBe("BACKEND_FAILED");
        await program.dispose();
        await state.dispose();
      });
    });
  });
}

const negateParts = { name: "bogus", inputs: [value("x", "float32", ["S"])], outputs: [value("y", "float32", ["S"])] };
