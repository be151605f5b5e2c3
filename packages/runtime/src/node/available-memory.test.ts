import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { availableMemory } from "./available-memory.js";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-memory-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function system(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name, path)), { recursive: true });
    await writeFile(join(root, name, path), text);
  }
  return join(root, name);
}

describe("availableMemory", () => {
  test("is what the machine has free where nothing limits it", async () => {
    expect(await availableMemory({ root: join(root, "none"), machine: 5e9 })).toBe(5e9);
    const free = await system("free", { "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n" });
    expect(await availableMemory({ root: free, machine: 5e9 })).toBe(5e9);
    expect(await availableMemory()).toBeGreaterThan(0);
  });

  test("is what the limit of a container leaves, caches of files not counted", async () => {
    const container = await system("container", {
      "proc/self/cgroup": "0::/\n",
      "sys/fs/cgroup/memory.max": "4000000000\n",
      "sys/fs/cgroup/memory.current": "3500000000\n",
      "sys/fs/cgroup/memory.stat":
        "anon 500000000\nactive_file 1000000000\ninactive_file 2000000000\nfile 3000000000\n",
    });
    expect(await availableMemory({ root: container, machine: 5e9 })).toBe(4e9 - 3.5e9 + 3e9);
    expect(await availableMemory({ root: container, machine: 1e9 })).toBe(1e9);
  });

  test("heeds the limit of a group above", async () => {
    const job = await system("job", {
      "proc/self/cgroup": "0::/slurm/job_7/step_0\n",
      "sys/fs/cgroup/slurm/job_7/step_0/memory.max": "max\n",
      "sys/fs/cgroup/slurm/job_7/memory.max": "2000000000\n",
      "sys/fs/cgroup/slurm/job_7/memory.current": "500000000\n",
    });
    expect(await availableMemory({ root: job, machine: 5e9 })).toBe(1.5e9);
  });
});
