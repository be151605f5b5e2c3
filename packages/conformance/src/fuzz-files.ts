import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, gunzipSync, gzipSync } from "node:zlib";
import { PlsegError, Random, sizeOf, type Volume, type VoxelArray } from "@plseg/core";
import { readLabelNames, readLabelNifti, readNifti, writeNifti } from "@plseg/data";
import { readDicomSeries } from "@plseg/data/node";
import { dicomFile, sharedPath } from "@plseg/test-kit";
import { recordAllocations } from "./record-allocations.js";

/** What became of damaged files. */
export interface FuzzReport {
  readonly files: number;
  /** How many could be read all the same. */
  readonly read: number;
  /** How many were refused with an error of ours. */
  readonly refused: number;
  /** Anything else, with the number of the file, which makes it again. */
  readonly crashes: readonly string[];
  /** Largest array that was asked for, by the size that the file's content can honestly have as a volume. */
  readonly worstAllocation: number;
  readonly slowestMilliseconds: number;
}

/** Small files of all kinds that are damaged. Those of a pair are told by their ending. */
const SEEDS = [
  ...["nib_anatomical.nii", "nib_standard.nii.gz", "nib_row_major.dconn.nii", "nib_example_nifti2.nii.gz"],
  ...["nrjs_5D_small.nii", "nv_minimal.nii.gz", "rs_27_int64.nii", "rs_27_float64.nii", "rs_minimal_extended_hdr.nii"],
  ...["rs_minimal.hdr", "nv_low_res.nii.gz", "nv_RAS.nii.gz"],
];

/** Inflaters and buffers take so much whatever the file. */
const OVERHEAD = 2 ** 18;

/**
 * Damages `count` files, each in a way that depends on `seed` and its number alone, and has them read as scan and label
 * map: bytes and fields of headers changed, streams cut short, damaged or followed by others, and one in eight a DICOM file.
 */
export async function fuzzFiles(count: number, seed: number): Promise<FuzzReport> {
  const seeds = await Promise.all(SEEDS.map(async (name) => ({ name, bytes: await readFile(seedPath(name)) })));
  const image = await readFile(seedPath("rs_minimal.img"));
  const labels = { data: new Uint8Array(6000).fill(1), shape: [10, 20, 30], affine: AFFINE } as const;
  seeds.push({ name: "labels", bytes: Buffer.from(writeNifti(labels, { labels: { liver: 1 }, compress: true })) });
  const folder = await mkdtemp(join(tmpdir(), "plseg-fuzz-"));
  let [read, refused, worstAllocation, slowestMilliseconds] = [0, 0, 0, 0];
  const crashes: string[] = [];
  const { largest, restore } = recordAllocations();
  try {
    for (let k = 0; k < count; k++) {
      const random = new Random(`${seed}, file ${k}`);
      const dicom = k % 8 === 7;
      const { name, bytes } = dicom
        ? { name: "dicom", bytes: dicomSeed() }
        : (seeds[random.integer(seeds.length)] ?? {});
      if (!bytes || !name) continue;
      const file = damage(bytes, random);
      const honest = 4 * Math.max(contentLength(file), name.endsWith(".hdr") ? image.length : 0) + OVERHEAD;
      largest();
      const started = performance.now();
      const outcomes = dicom
        ? [await outcomeOf(readDicom(folder, file))]
        : await Promise.all([
            outcomeOf(readNifti(name.endsWith(".hdr") ? { header: file, image } : file)),
            outcomeOf(readLabelNifti(name.endsWith(".hdr") ? { header: file, image } : file)),
            outcomeOf(readLabelNames(file).then(() => undefined)),
          ]);
      slowestMilliseconds = Math.max(slowestMilliseconds, performance.now() - started);
      worstAllocation = Math.max(worstAllocation, largest() / honest);
      const crash = outcomes.find((outcome) => outcome !== "read" && outcome !== "refused");
      if (crash) crashes.push(`file ${k} (${name}): ${crash}`);
      if (outcomes[0] === "read") read++;
      else refused++;
    }
  } finally {
    restore();
    await rm(folder, { recursive: true, force: true });
  }
  return { files: count, read, refused, crashes, worstAllocation, slowestMilliseconds };
}

const AFFINE = [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1] as const;

const seedPath = (name: string): string => sharedPath("data", "nifti", name);

const dicomSeed = (): Buffer => Buffer.from(dicomFile({ rows: 20, columns: 30 }));

/** A folder of the damaged slice and a sound one. */
async function readDicom(folder: string, file: Uint8Array): Promise<Volume<VoxelArray>> {
  await writeFile(join(folder, "a.dcm"), file);
  await writeFile(join(folder, "b.dcm"), dicomFile({ rows: 20, columns: 30, position: "0\\0\\2" }));
  return readDicomSeries(folder);
}

/** `read`, `refused`, or in words what must not happen. */
async function outcomeOf(reading: Promise<Volume<VoxelArray> | undefined>): Promise<string> {
  try {
    const volume = await reading;
    if (!volume) return "read";
    const sound = volume.data.length === sizeOf(volume.shape) && volume.affine.every(Number.isFinite);
    return sound ? "read" : `a volume of shape ${volume.shape} with ${volume.data.length} voxels`;
  } catch (error) {
    return error instanceof PlsegError ? "refused" : `${error instanceof Error ? error.stack : error}`;
  }
}

/** Bytes of a file's content, of a gzipped one as far as it can be inflated. */
function contentLength(file: Buffer): number {
  if (file[0] !== 0x1f || file[1] !== 0x8b) return file.length;
  try {
    return gunzipSync(file, { finishFlush: constants.Z_SYNC_FLUSH }).length;
  } catch {
    // Damaged inside: what the longest sound start holds is not known, so less is taken than deflate may make.
    return file.length * 8;
  }
}

/** One to three kinds of damage after each other. */
function damage(bytes: Buffer, random: Random): Buffer {
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  let file = Buffer.from(packed ? gunzipSync(bytes) : bytes);
  const header = Math.min(file.length, 600);
  for (let changes = random.integer(3); changes >= 0; changes--) {
    const kind = random.integer(5);
    if (kind === 0) file[random.integer(header)] = random.integer(256);
    if (kind === 1) writeExtreme(file, random);
    if (kind === 2) for (let n = 0; n < 8; n++) file[random.integer(header)] = random.integer(256);
    if (kind === 3) file = file.subarray(0, random.integer(file.length));
    if (kind === 4) file = Buffer.concat([file, Buffer.alloc(random.integer(5000), random.integer(256))]);
    if (file.length === 0) return file;
  }
  if (!packed && random.integer(2) === 0) return file;
  const zipped = gzipSync(file, { level: 1 });
  const kind = random.integer(5);
  if (kind === 0) return zipped.subarray(0, random.integer(zipped.length));
  if (kind === 1) zipped[random.integer(zipped.length)] = random.integer(256);
  if (kind === 2) return Buffer.concat([zipped, zipped]);
  return zipped;
}

/** Sets a number of the header to something that nobody expects. */
function writeExtreme(file: Buffer, random: Random): void {
  const at = 2 * random.integer(Math.max(1, Math.min(300, Math.floor(file.length / 2) - 4)));
  if (at + 8 > file.length) return;
  const whole = [-1, 0, 1, 2, 7, 32_767, -32_768][random.integer(7)] ?? 0;
  const real = [Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1e30, 1e-30, 1e9][random.integer(7)] ?? 0;
  const kind = random.integer(6);
  if (kind === 0) file.writeInt16LE(whole, at);
  if (kind === 1) file.writeInt16BE(whole, at);
  if (kind === 2) file.writeFloatLE(real, at);
  if (kind === 3) file.writeFloatBE(real, at);
  if (kind === 4) file.writeDoubleLE(real, at);
  if (kind === 5) file.writeBigInt64LE(BigInt(whole) * 65_536n, at);
}
