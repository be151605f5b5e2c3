import { randomBytes } from "node:crypto";
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Size3D, sizeOf } from "@plseg/core";
import { asWriteError } from "@plseg/data/node";

/** What the file of a spool is called before it loses its name, up to `.tmp-`. */
export const SPOOL_NAME = ".probabilities";

/** Probabilities that come slice by slice for all classes and go class by class for all slices. */
export interface ProbabilitySpool {
  /** Takes a slice `[class, height, width]`; the array is not kept. @throws ResourceError if the disk is full. */
  put(slice: number, probabilities: Float32Array): void;
  /** The whole map of a class, `[depth, height, width]`. */
  take(index: number): Float32Array;
  /** Frees the disk. */
  close(): void;
}

/**
 * Keeps the probabilities of a scan on disk instead of in memory, where 17 classes of 512 × 512 × 300 voxels are 5 GB. The
 * file in `folder` loses its name as soon as it is open, so that nothing is left of it however the process ends; a process that
 * is killed in between leaves an empty file, which `removeLeftovers` knows.
 *
 * @throws ResourceError if the disk is full; DataError if nothing can be written to the folder.
 */
export function probabilitySpool(folder: string, [depth, height, width]: Size3D): ProbabilitySpool {
  const path = join(folder, `${SPOOL_NAME}.tmp-${process.pid}-${randomBytes(4).toString("hex")}`);
  const slice = 4 * height * width; // bytes of one class
  const tried = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (cause) {
      throw asWriteError("predict", path, cause);
    }
  };
  const file = tried(() => openSync(path, "wx+"));
  rmSync(path);
  return {
    put(z, { buffer, byteOffset, byteLength }) {
      for (let c = 0; c * slice < byteLength; c++) {
        const bytes = new Uint8Array(buffer, byteOffset + c * slice, slice);
        for (let done = 0; done < slice; )
          done += tried(() => writeSync(file, bytes, done, slice - done, (c * depth + z) * slice + done));
      }
    },
    take(index) {
      const map = new Float32Array(sizeOf([depth, height, width]));
      for (let z = 0; z < depth; z++) {
        const bytes = new Uint8Array(map.buffer, z * slice, slice);
        for (let done = 0; done < slice; )
          done += tried(() => readSync(file, bytes, done, slice - done, (index * depth + z) * slice + done));
      }
      return map;
    },
    close: () => closeSync(file),
  };
}
