import { execFileSync } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { predictCommand } from "../commands/predict.js";

const example = (name: string): string =>
  fileURLToPath(new URL(`../../../../examples/cluster/${name}`, import.meta.url));

/** A folder with a program `plseg` that prints what it is called with, an argument on each line. */
let programs = "";
beforeAll(async () => {
  programs = await mkdtemp(join(tmpdir(), "plseg-cluster-"));
  await writeFile(join(programs, "plseg"), '#!/bin/sh\nprintf "%s\\n" "$@"\n');
  await chmod(join(programs, "plseg"), 0o755);
});
afterAll(() => rm(programs, { recursive: true, force: true }));

/** What `bash` calls plseg with, as plseg understands it. */
async function optionsOf(args: readonly string[], env: Readonly<Record<string, string>>) {
  const printed = execFileSync("bash", args, {
    encoding: "utf8",
    env: { PATH: `${programs}${delimiter}${process.env.PATH}`, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [name, ...rest] = printed.trimEnd().split("\n");
  expect(name).toBe("predict");
  const command = predictCommand().exitOverride();
  command.action(() => undefined);
  await command.parseAsync(rest, { from: "user" });
  return command.opts();
}

describe("the job array of Slurm", () => {
  const paths = { MODEL: "/data/model", INPUT: "/data/my scans", OUTPUT: "/data/organs" };

  test("does the part that its number says, and everything where there is no array", async () => {
    const part = { ...paths, SLURM_ARRAY_TASK_ID: "3", SHARDS: "8", SLURM_CPUS_PER_TASK: "6" };
    expect(await optionsOf([example("predict.sbatch")], part)).toMatchObject({
      ...{ model: "/data/model", input: ["/data/my scans"], output: "/data/organs", largestComponent: true },
      ...{ shard: { index: 3, count: 8 }, threads: 6 },
    });
    expect(await optionsOf([example("predict.sbatch")], paths)).not.toHaveProperty("shard");
  });

  test("ends where a setting is missing", async () => {
    await expect(optionsOf([example("predict.sbatch")], { MODEL: "m", INPUT: "i" })).rejects.toThrow("OUTPUT: names");
    const array = { ...paths, SLURM_ARRAY_TASK_ID: "3" };
    await expect(optionsOf([example("predict.sbatch")], array)).rejects.toThrow("SHARDS: says how many");
  });
});

describe("the indexed Job of Kubernetes", () => {
  test("has as many shards as completions, and its last index does the last of them", async () => {
    const job = parse(await readFile(example("predict-job.yaml"), "utf8"));
    expect([job.apiVersion, job.kind, job.spec.completionMode]).toEqual(["batch/v1", "Job", "Indexed"]);
    const [{ command, args, env }] = job.spec.template.spec.containers;
    expect(command).toEqual(["bash", "-c"]);
    expect(env).toEqual([{ name: "SHARDS", value: String(job.spec.completions) }]);
    const last = { SHARDS: env[0].value, JOB_COMPLETION_INDEX: String(job.spec.completions - 1) };
    expect(await optionsOf(["-c", ...args], last)).toMatchObject({
      shard: { index: job.spec.completions, count: job.spec.completions },
      threads: 4,
    });
  });
});
