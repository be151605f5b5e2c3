import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { PlsegError, Random } from "@plseg/core";
import { readSafetensors, readTorchWeights, writeSafetensors } from "@plseg/models";
import { expect, test } from "vitest";
import { recordAllocations } from "./record-allocations.js";

/** `pnpm --filter @plseg/conformance fuzz` sets it to 10,000. */
const FILES = Number(process.env.PLSEG_FUZZ ?? 300);

/** What is damaged, and read by what. */
async function seeds(): Promise<(readonly [name: string, bytes: Uint8Array, read: (bytes: Uint8Array) => unknown])[]> {
  const torch = (name: string): Promise<Uint8Array> =>
    readFile(fileURLToPath(new URL(`__golden__/${name}`, import.meta.url)));
  const tensors = new Map([["a", { dtype: "F32" as const, shape: [2, 3], data: new Float32Array(6) }]]);
  return [
    ["zip", await torch("torch-zip.pth"), readTorchWeights],
    ["legacy", await torch("torch-legacy.pth"), readTorchWeights],
    ["safetensors", writeSafetensors(tensors, { made: "here" }), readSafetensors],
  ];
}

/** Bytes changed, numbers made extreme, pieces cut out, doubled or cut off: one to three of these. */
function damage(sound: Uint8Array, random: Random): Uint8Array {
  let bytes = Uint8Array.from(sound);
  for (let changes = random.integer(3); changes >= 0; changes--) {
    const [at, other] = [random.integer(bytes.length), random.integer(bytes.length)];
    const kind = random.integer(5);
    if (kind === 0) bytes[at] = random.integer(256);
    if (kind === 1) bytes.fill([0, 0x7f, 0xff][random.integer(3)] as number, at, at + 1 + random.integer(8));
    if (kind === 2) bytes = bytes.slice(0, at);
    if (kind === 3) bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(other)]);
    if (kind === 4) bytes.copyWithin(at, other, other + random.integer(64));
    if (bytes.length === 0) break;
  }
  return bytes;
}

test(
  `${FILES} damaged files of weights are read or refused, without a crash, and without more memory than they can fill`,
  async () => {
    const sound = await seeds();
    const outcomes = { read: 0, refused: 0 };
    const crashes: string[] = [];
    let worstAllocation = 0;
    const { largest, restore } = recordAllocations();
    try {
      for (let k = 0; k < FILES; k++) {
        const random = new Random(`weights, file ${k}`);
        const [name, bytes, read] = sound[k % sound.length] as (typeof sound)[number];
        const file = damage(bytes, random);
        largest();
        try {
          read(file);
          outcomes.read++;
        } catch (error) {
          if (error instanceof PlsegError) outcomes.refused++;
          else crashes.push(`file ${k} (${name}): ${error instanceof Error ? error.stack : error}`);
        }
        worstAllocation = Math.max(worstAllocation, largest() / (file.length + 2 ** 10));
      }
    } finally {
      restore();
    }
    expect(crashes).toEqual([]);
    expect(Math.min(outcomes.read, outcomes.refused)).toBeGreaterThan(FILES / 20); // neither is idle
    expect(worstAllocation).toBeLessThan(8);
  },
  Math.max(60_000, FILES * 100),
);
