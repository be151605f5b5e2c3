import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "@plseg/core";
import type { ValidationScores } from "@plseg/train/node";

/** What a training wrote down on its way. */
export interface RunHistory {
  readonly loss: readonly (readonly [step: number, loss: number])[];
  readonly learningRate: readonly (readonly [step: number, rate: number])[];
  readonly validations: readonly (ValidationScores & { readonly step: number })[];
  /** Seconds that training took, over all sittings. */
  readonly seconds: number;
  /** Seconds of them in which it waited for patches. */
  readonly waited: number;
  /** By name of the class: in how many patches it was labeled. */
  readonly seen: Readonly<Record<string, number>>;
}

/** `metrics.jsonl` of a run; a last line that was cut short is left out. @throws DataError if another line is damaged. */
export async function readRunHistory(run: string): Promise<RunHistory> {
  const path = join(run, "metrics.jsonl");
  const lines = (await readFile(path, "utf8").catch(() => "")).split("\n");
  const loss: [number, number][] = [];
  const learningRate: [number, number][] = [];
  const validations: RunHistory["validations"][number][] = [];
  const seen: Record<string, number> = {};
  let [seconds, sitting, waited] = [0, 0, 0];
  for (const [i, line] of lines.entries()) {
    if (line === "") continue;
    const record = parseRecord(line);
    if (!record && i === lines.length - 1) continue;
    if (!record) throw new DataError(`${path}: line ${i + 1} is not a JSON object with a step.`);
    if (typeof record.loss === "number") loss.push([record.step, record.loss]);
    if (typeof record.learningRate === "number") learningRate.push([record.step, record.learningRate]);
    if (typeof record.seconds === "number") {
      // The clock of a sitting begins at 0.
      seconds += record.seconds >= sitting ? record.seconds - sitting : record.seconds;
      sitting = record.seconds;
    }
    if (typeof record.waited === "number") waited += record.waited / 1000;
    for (const [name, patches] of Object.entries(record.seen ?? {})) seen[name] = (seen[name] ?? 0) + patches;
    if (record.validation) validations.push({ step: record.step, cases: [], ...record.validation });
  }
  return { loss, learningRate, validations, seconds, waited, seen };
}

interface MetricsRecord {
  readonly step: number;
  readonly loss?: unknown;
  readonly learningRate?: unknown;
  readonly seconds?: unknown;
  readonly waited?: unknown;
  readonly seen?: Readonly<Record<string, number>>;
  /** Without `cases` in runs of older versions. */
  readonly validation?: Omit<ValidationScores, "cases"> & Partial<Pick<ValidationScores, "cases">>;
}

function parseRecord(line: string): MetricsRecord | undefined {
  try {
    const record = JSON.parse(line);
    return typeof record?.step === "number" ? record : undefined;
  } catch {
    return undefined;
  }
}
