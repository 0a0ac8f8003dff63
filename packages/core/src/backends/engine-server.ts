import { encodeError, internalError } from "../errors/index.ts";
import type { Tensor } from "../tensor/index.ts";
import type { Backend, Program, StateTensor } from "./backend.ts";
import {
  type EngineCalls,
  type EngineMethod,
  type EngineReply,
  type EngineRequest,
  transferList,
} from "./engine-protocol.ts";

type Handlers = { [M in EngineMethod]: (args: EngineCalls[M]["args"]) => Promise<EngineCalls[M]["result"]> };

/** Answers requests of another thread with a backend of this one; calls are made in the order of the requests. */
export function serveEngine(
  startBackend: () => Promise<Backend>,
  post: (reply: EngineReply, transfer: ArrayBuffer[]) => void,
): (request: EngineRequest) => Promise<void> {
  const handlers = engineHandlers(startBackend);
  return async ({ id, method, args }) => {
    try {
      const result = await (handlers[method] as (args: unknown) => Promise<EngineCalls[EngineMethod]["result"]>)(args);
      post({ id, result }, transferList(tensorsOf(method, result)));
    } catch (error) {
      post({ id, error: encodeError(error, "engine worker") }, []);
    }
  };
}

function engineHandlers(startBackend: () => Promise<Backend>): Handlers {
  let backend: Backend | undefined;
  const engine = (): Backend => {
    if (!backend) throw internalError("engine worker", "called before it started");
    return backend;
  };
  const programs = new Registry<Program>("program");
  const states = new Registry<StateTensor>("state");
  return {
    async start() {
      backend = await startBackend();
      return null;
    },
    async compile({ model, options }) {
      return programs.add(await engine().compile(model, options));
    },
    async run({ program, feeds, fetch, write }) {
      const live = Object.entries(feeds).map(([name, feed]) => [name, "state" in feed ? states.get(feed.state) : feed]);
      const writes = Object.entries(write).map(([name, to]) => [name, { ...to, into: states.get(to.into) }]);
      const options = { ...(fetch && { fetch }), write: Object.fromEntries(writes) };
      return programs.get(program).run(Object.fromEntries(live), options);
    },
    async allocate({ dtype, shape }) {
      return states.add(await engine().allocate(dtype, shape));
    },
    async read({ state }) {
      return states.get(state).read();
    },
    async resize({ state, axis, length }) {
      const next = await states.get(state).resize(axis, length);
      states.take(state);
      return states.add(next);
    },
    async disposeState({ state }) {
      await states.take(state).dispose();
      return null;
    },
    async disposeProgram({ program }) {
      await programs.take(program).dispose();
      return null;
    },
    async dispose() {
      await backend?.dispose();
      return null;
    },
  };
}

function tensorsOf(method: EngineMethod, result: EngineCalls[EngineMethod]["result"]): Tensor[] {
  if (method === "run") return Object.values(result as EngineCalls["run"]["result"]);
  return method === "read" ? [result as Tensor] : [];
}

/** Live objects by number. */
class Registry<T> {
  readonly #kind: string;
  readonly #live = new Map<number, T>();
  #next = 1;

  constructor(kind: string) {
    this.#kind = kind;
  }

  add(value: T): number {
    this.#live.set(this.#next, value);
    return this.#next++;
  }

  get(id: number): T {
    const value = this.#live.get(id);
    if (!value) throw internalError("engine worker", `no ${this.#kind} ${id}`);
    return value;
  }

  take(id: number): T {
    const value = this.get(id);
    this.#live.delete(id);
    return value;
  }
}
