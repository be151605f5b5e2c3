import { describe, expect, test } from "vitest";
import { fuzzFiles } from "./fuzz-files.js";

/** `pnpm --filter @plseg/conformance fuzz` sets it to 10,000. */
const FILES = Number(process.env.PLSEG_FUZZ ?? 300);

describe("damaged files", () => {
  test(
    `${FILES} of them are read or refused, without a crash, and without taking twice the memory that they can fill`,
    async () => {
      const report = await fuzzFiles(FILES, 1);
      console.log(JSON.stringify(report));
      expect(report.crashes).toEqual([]);
      expect(report.read + report.refused).toBe(FILES);
      // Both happen, so neither the damage nor the reading is idle.
      expect(Math.min(report.read, report.refused)).toBeGreaterThan(FILES / 20);
      expect(report.worstAllocation).toBeLessThan(2);
    },
    Math.max(120_000, FILES * 200),
  );
});
