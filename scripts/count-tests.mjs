// node scripts/count-tests.mjs FILE: prints "N passed, N failed[, N skipped]" from vitest's JSON report.
// A test file that failed to load counts as one failure, and so does a report that was never written.

import { existsSync, readFileSync } from "node:fs";

/** Counts of a vitest JSON report. */
export function countTests(report) {
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

const file = process.argv[2];
const counts = existsSync(file)
  ? countTests(JSON.parse(readFileSync(file, "utf8")))
  : { passed: 0, failed: 1, skipped: 0 };
const { passed, failed, skipped } = counts;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
