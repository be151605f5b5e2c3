import { appendFile, mkdir, readdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { ResourceError } from "@plseg/core";
import { type EventContent, type EventImage, eventRecord } from "./event-record.js";

/** Writes what TensorBoard shows. Events are kept in memory until `flush`, or for some seconds. */
export interface EventFile {
  /** Path of the file. */
  readonly path: string;
  /** Numbers of a step by tag; those that are not finite are left out. A step that comes again begins a new sitting. */
  scalars(step: number, values: Readonly<Record<string, number>>): Promise<void>;
  /** A picture of a step. */
  image(step: number, tag: string, image: EventImage): Promise<void>;
  /** Writes what is in memory. */
  flush(): Promise<void>;
}

/** Milliseconds after which events are written without being asked. */
const PATIENCE = 5000;

/**
 * Begins an event file of its own for this sitting, beside those of earlier ones, of which what they say of `firstStep` and
 * later steps no longer counts: a run that was killed did more steps than its last checkpoint knows.
 *
 * @throws ResourceError, here and later, if the file cannot be written.
 */
export async function openEventFile(folder: string, firstStep: number): Promise<EventFile> {
  await mkdir(folder, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw unwritable(folder, cause);
  });
  const path = join(folder, await nameAfter(await readdir(folder)));
  let pending: Uint8Array[] = [];
  let written = Number.NEGATIVE_INFINITY;
  let lastStep = firstStep - 1;
  const add = (content: EventContent): void => void pending.push(eventRecord(content, Date.now() / 1000));
  const flush = async (): Promise<void> => {
    const records = Buffer.concat(pending);
    pending = [];
    written = performance.now();
    await appendFile(path, records).catch((cause: NodeJS.ErrnoException) => {
      throw unwritable(path, cause);
    });
  };
  const flushSometimes = async (): Promise<void> => {
    if (performance.now() - written > PATIENCE) await flush();
  };
  add({ kind: "version" });
  add({ kind: "start", step: firstStep });
  return {
    path,
    scalars(step, values) {
      const finite = Object.entries(values).filter(([, value]) => Number.isFinite(value));
      if (step < lastStep) add({ kind: "start", step });
      lastStep = step;
      add({ kind: "scalars", step, values: Object.fromEntries(finite) });
      return flushSometimes();
    },
    image(step, tag, image) {
      add({ kind: "image", step, tag, image });
      return flushSometimes();
    },
    flush,
  };
}

/** A name that comes after those of earlier sittings: TensorBoard reads files in the order of their names. */
function nameAfter(files: readonly string[]): string {
  const times = files.map((file) => Number(/^events\.out\.tfevents\.(\d+)\./.exec(file)?.[1] ?? 0));
  const time = Math.max(Math.floor(Date.now() / 1000), ...times.map((earlier) => earlier + 1));
  return `events.out.tfevents.${String(time).padStart(10, "0")}.${hostname()}.${process.pid}`;
}

function unwritable(path: string, cause: NodeJS.ErrnoException): ResourceError {
  const full = cause.code === "ENOSPC" || cause.code === "EDQUOT";
  return new ResourceError(
    `train: ${path} could not be written: ${full ? "the disk is full" : cause.message}. Make room, or leave TensorBoard out with --no-tensorboard.`,
    { cause },
  );
}
