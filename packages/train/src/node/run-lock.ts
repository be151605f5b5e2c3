import { randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, readlink, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError, DataError, PlsegError } from "@plseg/core";
import { asWriteError } from "@plseg/data/node";
import * as v from "valibot";

/** Name of the file that says who trains in a folder. */
export const LOCK_FILE = "run.lock";

/** Who trains in a folder. */
const holderSchema = v.object({
  token: v.string(),
  host: v.string(),
  /** In which numbers of processes mean something: containers on one host have their own. */
  space: v.string(),
  pid: v.number(),
  /** When the process began, as its system counts it; `null` where that cannot be known. A number used again shows by it. */
  born: v.nullable(v.string()),
  since: v.string(),
});

type Holder = v.InferOutput<typeof holderSchema>;

/** A folder that this process alone trains in. */
export interface RunLock {
  /** @throws PlsegError if another process has taken the folder over meanwhile. */
  check(): Promise<void>;
  /** Lets others train there. */
  release(): Promise<void>;
}

/** How a lock is taken. */
export interface RunLockOptions {
  /** Told when a lock is taken over, or when it must be seen whether its holder is alive. */
  readonly onNotice?: (text: string) => void;
  /** Milliseconds between two signs of life of this process. */
  readonly beat?: number;
  /** Milliseconds without a sign after which a holder on another machine counts as dead. */
  readonly patience?: number;
}

/** Errors of file systems without hard links. There a lock is made first and written then. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

const BEAT = 5_000;
const PATIENCE = 30_000;

/**
 * Takes a folder for one training: with `run.lock`, which only one process can make. What a process that is dead has left is
 * taken over. On this machine that is known at once; a process on another machine counts as dead if it gives no sign of
 * life while this one watches.
 *
 * @throws ConfigError if another process trains there; DataError or ResourceError if the folder cannot be written.
 */
export async function lockRun(run: string, options: RunLockOptions = {}): Promise<RunLock> {
  const { onNotice = () => {}, beat = BEAT, patience = PATIENCE } = options;
  const path = join(resolve(run), LOCK_FILE);
  const mine = await describeSelf();
  const made = await mkdir(dirname(path), { recursive: true }).catch((cause: unknown) => {
    throw asWriteError("trainRun", run, cause);
  });
  while (!(await create(path, mine))) {
    const other = await readHolder(path);
    if (other === "gone") continue;
    if (other !== "unreadable" && !(await isDead(path, other, mine, { onNotice, patience, run })))
      throw taken(run, other);
    if (!(await remove(path, other))) continue;
    onNotice(
      other === "unreadable"
        ? `${path} was damaged; taken over`
        : `${path} was left by process ${other.pid} on ${other.host}, which is gone; taken over`,
    );
  }
  const timer = setInterval(() => void touch(path, mine), beat);
  timer.unref();
  return {
    async check() {
      const other = await readHolder(path);
      if (typeof other === "object" && other.token === mine.token) return;
      throw new PlsegError(
        `trainRun: another process has taken ${run} over meanwhile${typeof other === "object" ? ` (process ${other.pid} on ${other.host})` : ""}. This one stops and writes nothing more.`,
      );
    },
    async release() {
      clearInterval(timer);
      const other = await readHolder(path);
      if (typeof other === "object" && other.token === mine.token) await rm(path, { force: true });
      if (made !== undefined) await removeEmpty(dirname(path), made);
    },
  };
}

/** Makes the lock, whole from its first moment. Whether it could be made: only one process can. */
async function create(path: string, mine: Holder): Promise<boolean> {
  const draft = `${path}.${mine.token}`;
  const text = `${JSON.stringify(mine)}\n`;
  try {
    await writeFile(draft, text, { flag: "wx" });
    await link(draft, path).catch(async (cause: NodeJS.ErrnoException) => {
      if (!NO_LINKS.has(cause.code ?? "")) throw cause;
      await writeFile(path, text, { flag: "wx" });
    });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw asWriteError("trainRun", path, cause);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Removes the lock of a dead process, unless another has done so and made its own. */
async function remove(path: string, dead: Holder | "unreadable"): Promise<boolean> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return false;
  }
  const found = await readHolder(aside);
  const same = typeof found === "object" ? typeof dead === "object" && found.token === dead.token : found === dead;
  if (!same) await link(aside, path).catch(() => {}); // its holder notices if a third was faster
  await rm(aside, { force: true });
  return same;
}

async function readHolder(path: string, patient = true): Promise<Holder | "gone" | "unreadable"> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw new DataError(`trainRun: ${path} cannot be read: ${cause.message}.`, { cause });
  });
  if (text === undefined) return "gone";
  try {
    return v.parse(holderSchema, JSON.parse(text));
  } catch {
    if (!patient) return "unreadable";
    await sleep(1000); // it may have been made and not written yet
    return readHolder(path, false);
  }
}

async function isDead(
  path: string,
  holder: Holder,
  mine: Holder,
  { onNotice, patience, run }: { onNotice: (text: string) => void; patience: number; run: string },
): Promise<boolean> {
  if (holder.host === mine.host && holder.space === mine.space) {
    if (!isAlive(holder.pid)) return true;
    const born = await birthOf(holder.pid);
    return born !== null && holder.born !== null && born !== holder.born;
  }
  onNotice(
    `${run} was in use by process ${holder.pid} on ${holder.host}; watching for ${Math.round(patience / 1000)} s whether it still is`,
  );
  const before = await signOfLife(path);
  for (let waited = 0; waited < patience; waited += patience / 10) {
    await sleep(patience / 10);
    if ((await signOfLife(path)) !== before) return false;
  }
  return true;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Opened anew each time: over a network that is what makes its time a fresh one. */
async function signOfLife(path: string): Promise<number | undefined> {
  const file = await open(path, "r").catch(() => undefined);
  if (!file) return undefined;
  return file
    .stat()
    .then(({ mtimeMs }) => mtimeMs)
    .finally(() => file.close());
}

async function touch(path: string, mine: Holder): Promise<void> {
  const file = await open(path, "r+").catch(() => undefined);
  if (!file) return;
  try {
    const text = await file.readFile("utf8");
    if (text.includes(mine.token)) await file.utimes(new Date(), new Date());
  } catch {
    // the next sign may reach it
  } finally {
    await file.close();
  }
}

async function describeSelf(): Promise<Holder> {
  return {
    token: randomUUID(),
    host: hostname(),
    space: await readlink("/proc/self/ns/pid").catch(() => ""),
    pid: process.pid,
    born: await birthOf(process.pid),
    since: new Date().toISOString(),
  };
}

/** On Linux: which boot of the machine, and how many ticks after it a process began. */
async function birthOf(pid: number): Promise<string | null> {
  const [boot, stat] = await Promise.all(
    ["/proc/sys/kernel/random/boot_id", `/proc/${pid}/stat`].map((path) =>
      readFile(path, "utf8").catch(() => undefined),
    ),
  );
  // the name of the program, in parentheses, may hold anything
  const ticks = stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  return boot !== undefined && ticks !== undefined ? `${boot.trim()} ${ticks}` : null;
}

function taken(run: string, { pid, host, since }: Holder): ConfigError {
  const where = host === hostname() ? "" : ` on ${host}`;
  return new ConfigError(
    `trainRun: process ${pid}${where} trains in ${run} since ${since}. Wait for it, stop it, or choose another folder.`,
  );
}

/** Removes folders that were made for the lock, as far as nothing was put into them. */
async function removeEmpty(folder: string, outermost: string): Promise<void> {
  try {
    for (let each = folder; each.length >= outermost.length; each = dirname(each)) await rmdir(each);
  } catch {
    // something is in it
  }
}
