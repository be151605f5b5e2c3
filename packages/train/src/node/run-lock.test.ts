import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@plseg/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOCK_FILE, lockRun } from "./run-lock.js";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plseg-lock-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const lockOf = async (run: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(join(run, LOCK_FILE), "utf8"));

/** A process that waits, takes the lock at the same moment as the others, says how that went, and holds it until it is killed. */
const HOLDER = `
  import { lockRun } from ${JSON.stringify(new URL("run-lock.ts", import.meta.url).href)};
  process.on("message", async (run) => {
    const answer = await lockRun(run).then(() => "taken", ({ message }) => message);
    process.send(answer);
  });
  process.send("ready");
`;

async function startHolder(): Promise<{ take: (run: string) => Promise<string>; kill: () => Promise<void> }> {
  const program = join(root, "holder.mjs");
  await writeFile(program, HOLDER);
  const child = fork(program); // with the flags of this process, by which it reads TypeScript
  await once(child, "message");
  return {
    async take(run) {
      const answer = once(child, "message");
      child.send(run);
      return (await answer)[0];
    },
    async kill() {
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    },
  };
}

describe("lockRun", () => {
  test("lets one train at a time, and leaves no folder behind that it made", async () => {
    const run = join(root, "a", "b");
    const lock = await lockRun(run);
    await expect(lockRun(run)).rejects.toThrow(ConfigError);
    await expect(lockRun(run)).rejects.toThrow(
      /process \d+ trains in .*b since .*Z. Wait for it, stop it, or choose another/,
    );
    await lock.check();
    await lock.release();
    expect(await readdir(root)).not.toContain("a");
    await (await lockRun(run)).release();
  });

  test("goes to one of two processes, and after it was killed to one of the next", async () => {
    const run = join(root, "contested");
    const [first, second] = await Promise.all([startHolder(), startHolder()]);
    const answers = await Promise.all([first.take(run), second.take(run)]);
    expect(answers.filter((answer) => answer === "taken")).toHaveLength(1);
    expect(answers.find((answer) => answer !== "taken")).toMatch(/process \d+ trains in/);
    const [winner, loser] = answers[0] === "taken" ? [first, second] : [second, first];
    await winner.kill();

    // two find the lock of a dead process at once
    const notices: string[] = [];
    const mine = lockRun(run, { onNotice: (text) => notices.push(text) });
    const outcomes = await Promise.all([
      loser.take(run),
      mine.then(
        () => "taken",
        ({ message }) => String(message),
      ),
    ]);
    expect(outcomes.filter((answer) => answer === "taken")).toHaveLength(1);
    await loser.kill();
    const lock = outcomes[1] === "taken" ? await mine : await lockRun(run, { onNotice: (text) => notices.push(text) });
    expect(notices.at(-1)).toMatch(/run.lock was left by process \d+ on .*, which is gone; taken over/);
    expect(await lockOf(run)).toMatchObject({ pid: process.pid, host: hostname() });
    await lock.release();
    expect(await readdir(run)).toEqual([]);
  });

  test("knows a process by when it began, as its number may be used again", async () => {
    const run = join(root, "again");
    const lock = await lockRun(run);
    const self = await lockOf(run);
    await writeFile(join(run, LOCK_FILE), JSON.stringify({ ...self, token: "other", born: "another boot 17" }));
    const next = await lockRun(run);
    expect((await lockOf(run)).born).toBe(self.born);
    await expect(lock.check()).rejects.toThrow(/another process has taken/);
    await next.release();
    await lock.release();
  });

  test("watches whether a process on another machine is alive", async () => {
    const run = join(root, "far");
    const lock = await lockRun(run);
    const path = join(run, LOCK_FILE);
    await writeFile(path, JSON.stringify({ ...(await lockOf(run)), token: "far", host: "elsewhere" }));
    await expect(lock.check()).rejects.toThrow(
      /another process has taken .*far over meanwhile \(process \d+ on elsewhere\)/,
    );
    await lock.release(); // it is another's now
    const alive = setInterval(() => void utimes(path, new Date(), new Date()), 20);
    await expect(lockRun(run, { patience: 400 })).rejects.toThrow(/on elsewhere/);
    clearInterval(alive);
    const notices: string[] = [];
    await (await lockRun(run, { patience: 200, onNotice: (text) => notices.push(text) })).release();
    expect(notices[0]).toMatch(/was in use by process \d+ on elsewhere; watching/);
  });

  test("shows that its holder is alive", async () => {
    const run = join(root, "alive");
    const lock = await lockRun(run, { beat: 20 });
    const path = join(run, LOCK_FILE);
    await writeFile(path, JSON.stringify({ ...(await lockOf(run)), host: "elsewhere" }));
    await expect(lockRun(run, { patience: 500 })).rejects.toThrow(/on elsewhere/);
    await lock.release();
  });

  test("takes over a lock that was cut short", async () => {
    const run = join(root, "cut");
    const first = await lockRun(run);
    await writeFile(join(run, LOCK_FILE), "");
    const notices: string[] = [];
    const second = await lockRun(run, { onNotice: (text) => notices.push(text) });
    expect(notices).toEqual([expect.stringMatching(/run.lock was damaged; taken over/)]);
    await first.release();
    await second.check();
    await second.release();
  });
});
