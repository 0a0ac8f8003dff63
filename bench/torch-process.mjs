// PyTorch beside us: finds a Python that has it, and runs train_torch.py step by step.

import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("train_torch.py", import.meta.url));
/** The second is where Debian's packages are, whatever Python stands first in the path. */
const pythons = ["python3", "/usr/bin/python3"];

/** A Python that imports torch and numpy; undefined where there is none. */
export function findTorch() {
  return pythons.find((python) => spawnSync(python, ["-c", "import numpy, torch"], { stdio: "ignore" }).status === 0);
}

export const withoutTorch = "python3-torch is not installed (Debian: apt-get install python3-torch)";

/** A model in training in a Python process of its own. It waits without work between steps. */
export class TorchProcess {
  #child;
  #lines;
  #errors = "";
  /** { torch, threads, blas } */
  info;

  /**
   * @param python - of {@link findTorch}
   * @param options - model folder, safetensors file of the feeds, threads
   */
  static async start(python, { folder, feeds, threads }) {
    const torch = new TorchProcess();
    torch.#child = spawn(python, [script, folder, feeds, String(threads)], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...fastEnvironment(threads), ...process.env },
    });
    torch.#child.stdin.on("error", () => {}); // a process that has ended is reported by its missing answer
    torch.#child.stderr.on("data", (text) => {
      torch.#errors += text;
    });
    torch.#lines = createInterface({ input: torch.#child.stdout })[Symbol.asyncIterator]();
    torch.info = await torch.#answer();
    return torch;
  }

  /** One step over a batch: { loss, answer, visionToText, textToVision, seconds }. */
  async step(batch, learningRate) {
    return this.#ask({ batch, learningRate, update: true });
  }

  /** Forward and backward pass alone; the model stays as it is. */
  async warmUp(batch) {
    await this.#ask({ batch, learningRate: 0, update: false });
  }

  stop() {
    this.#child.stdin.end();
  }

  #ask(request) {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    return this.#answer();
  }

  async #answer() {
    const { value, done } = await this.#lines.next();
    if (!done) return JSON.parse(value);
    throw new Error(`train_torch.py ended:\n${this.#errors.trim().split("\n").slice(-8).join("\n")}`);
  }
}

/**
 * What makes PyTorch quick: its threads do not spin while those of OpenBLAS work, and on processors that are younger than
 * OpenBLAS of Debian 12, which it would give AVX2 kernels, the AVX-512 kernels are named.
 */
function fastEnvironment(threads) {
  return {
    OMP_NUM_THREADS: String(threads),
    OPENBLAS_NUM_THREADS: String(threads),
    OMP_WAIT_POLICY: "passive",
    ...(hasAvx512() && { OPENBLAS_CORETYPE: "SkylakeX" }),
  };
}

function hasAvx512() {
  if (process.platform !== "linux") return false;
  const flags = new Set(
    readFileSync("/proc/cpuinfo", "utf8")
      .match(/^flags\s*:(.*)$/m)?.[1]
      .split(" "),
  );
  return ["avx512f", "avx512bw", "avx512dq", "avx512vl"].every((flag) => flags.has(flag));
}
