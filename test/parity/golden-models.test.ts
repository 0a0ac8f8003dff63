import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { unpack } from "../golden/model/pack-format.ts";

const golden = fileURLToPath(new URL("../golden", import.meta.url));

function bytesOf(isCounted: (path: string) => boolean): number {
  const paths = readdirSync(golden, { recursive: true, encoding: "utf8" }).filter(isCounted);
  const files = paths.map((path) => statSync(join(golden, path))).filter((facts) => facts.isFile());
  return files.reduce((sum, { size }) => sum + size, 0);
}

describe("the golden files", () => {
  it("take less than 15 MB, and gradients 3 MB more", () => {
    expect(bytesOf((path) => !path.startsWith("gradients"))).toBeLessThan(15e6);
    expect(bytesOf((path) => path.startsWith("gradients"))).toBeLessThan(3e6);
  });

  it("do not unpack when a byte has changed", () => {
    const plain = brotliDecompressSync(readFileSync(join(golden, "model/common/tensors.pack.br")));
    plain[plain.length - 1]! ^= 1;

    expect(() => unpack(brotliCompressSync(plain, { params: { 1: 1 } }))).toThrow(/images_u8\.safetensors: .* SHA-256/);
  });
});
