import { readFile } from "node:fs/promises";
import { freemem } from "node:os";
import { join, posix } from "node:path";

/** Where {@link availableMemory} looks. */
export interface AvailableMemoryOptions {
  /** Root of the file system, for tests. */
  readonly root?: string;
  /** Bytes that the machine has free, those of its cache included. */
  readonly machine?: number;
}

/**
 * Bytes that this process can still take: what the machine has free, or less where a container or a cluster's job is limited
 * (cgroup v2). What is only cached of files counts as free, as the kernel gives it up when it is asked.
 */
export async function availableMemory({
  root = "/",
  machine = freemem(),
}: AvailableMemoryOptions = {}): Promise<number> {
  const text = await readFile(join(root, "proc/self/cgroup"), "utf8").catch(() => "");
  const own = /^0::(.*)$/m.exec(text)?.[1] ?? "/";
  let available = machine;
  // a limit of any group above holds too; in a container the own group is the root
  for (let group = posix.normalize(own); ; group = posix.dirname(group)) {
    available = Math.min(available, await leftOf(join(root, "sys/fs/cgroup", group)));
    if (group === "/" || group === ".") return available;
  }
}

async function leftOf(group: string): Promise<number> {
  const read = (file: string): Promise<string> => readFile(join(group, file), "utf8").catch(() => "");
  const [limit, used, stat] = [await read("memory.max"), await read("memory.current"), await read("memory.stat")];
  if (!/^\d+$/m.test(limit) || !/^\d+$/m.test(used)) return Number.POSITIVE_INFINITY; // "max", or no such file
  const cached = [...stat.matchAll(/^(?:in)?active_file (\d+)$/gm)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
  return Math.max(0, Number(limit) - Number(used) + cached);
}
