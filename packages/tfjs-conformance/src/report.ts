import type { Device } from "./run-sync.js";
import { type SkipRule, SPEC_RULES, TRACER_RULES, WEBGPU_RULES } from "./skips.js";

/** What jasmine says of one spec. */
export interface SpecResult {
  readonly name: string;
  readonly status: "passed" | "failed" | "pending" | "excluded";
  /** Messages of what failed. */
  readonly messages: readonly string[];
}

/** What became of all specs. */
export interface Report {
  readonly passed: number;
  readonly failed: readonly { readonly name: string; readonly message: string }[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** Rules for single specs that no spec needed. */
  readonly stale: readonly string[];
}

const applies = ({ spec, message }: SkipRule, result: SpecResult): boolean =>
  (spec?.test(result.name) ?? true) && (message === undefined || result.messages.every((text) => message.test(text)));

/** Sorts results into passed, failed and skipped. */
export function reportOf(results: readonly SpecResult[], device: Device = "cpu"): Report {
  const singles = device === "webgpu" ? [...SPEC_RULES, ...WEBGPU_RULES] : SPEC_RULES;
  const used = new Set<SkipRule>();
  const failed: { name: string; message: string }[] = [];
  const skipped: { name: string; reason: string }[] = [];
  for (const result of results) {
    if (result.status === "pending") skipped.push({ name: result.name, reason: "left out by tfjs itself" });
    if (result.status !== "failed") continue;
    const rule = [...TRACER_RULES, ...singles].find((candidate) => applies(candidate, result));
    if (rule) {
      used.add(rule);
      skipped.push({ name: result.name, reason: rule.reason });
    } else failed.push({ name: result.name, message: result.messages.join("\n") });
  }
  return {
    passed: results.filter(({ status }) => status === "passed").length,
    failed,
    skipped,
    stale: singles.filter((rule) => !used.has(rule)).map(({ reason, spec }) => `${reason}: ${String(spec)}`),
  };
}

/** How many specs were skipped for each reason, most first. */
export function skipsByReason({ skipped }: Report): [string, number][] {
  const counts = new Map<string, number>();
  for (const { reason } of skipped) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}
