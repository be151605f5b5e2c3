import type { Metric } from "@plseg/metrics";

const METRIC_NAMES: Readonly<Record<string, string>> = {
  dice: "Dice",
  iou: "IoU",
  assd: "ASSD, mm",
  hd95: "HD95, mm",
  nsd: "NSD",
  rve: "Volume error",
} satisfies Readonly<Record<Metric, string>>;

/** The name of a metric as people write it, with its unit. */
export const metricName = (metric: string): string => METRIC_NAMES[metric] ?? metric;

/** A score, rounded as its unit asks for; a dash for none. */
export function showScore(metric: string, value: number | null): string {
  if (value === null) return "–";
  return value.toFixed(metric === "assd" || metric === "hd95" ? 2 : 3);
}

/** A difference of scores, with its sign. */
export function showDifference(metric: string, value: number | null): string {
  if (value === null) return "–";
  const text = showScore(metric, Math.abs(value));
  if (Number(text) === 0) return text;
  return `${value < 0 ? "−" : "+"}${text}`;
}

/** A p value; small ones only as such. */
export function showP(p: number | null): string {
  if (p === null) return "–";
  return p < 0.001 ? "<0.001" : p.toFixed(3);
}
