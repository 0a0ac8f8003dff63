import { test } from "vitest";
import { nodeBackend } from "../packages/core/src/backends/node-backend-node.ts";
import { verifyModel } from "../packages/core/src/reference/index.ts";
test("verify", async () => {
  const backend = await nodeBackend({ worker: false, device: "cpu" });
  for (const c of ["A_phi_siglip2", "B_llama_siglip"]) {
    const t = Date.now();
    const dir = `/work/shared/golden/model/${c}`;
    const report = await verifyModel({ model: dir, reference: dir, backend, onVariant: (n, rows) => console.log(n, rows.length, Date.now() - t) });
    const bad = report.rows.filter((r) => !r.passed);
    console.log(c, report.rows.length, "bad", bad.length, "worst", Math.max(...report.rows.map(r=>r.relativeError)));
    for (const b of bad.slice(0, 40)) console.log(b.name, b.shape.join("x"), b.maxError, b.maxReference, b.relativeError);
  }
}, 300000);
