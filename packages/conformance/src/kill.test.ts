import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const KILL = fileURLToPath(new URL("../../../bench/kill.mjs", import.meta.url));

test("a training that is killed again and again ends with the same bytes as one that is not", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [KILL, "--kills", "3"]);
  const { kills, files, different } = JSON.parse(stdout);
  expect({ kills, different }).toEqual({ kills: 3, different: [] });
  expect(files).toBeGreaterThan(12); // checkpoints of three files each, configuration, metrics
});
