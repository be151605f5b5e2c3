import { type Metric, MORE_IS_BETTER } from "@plseg/metrics";
import { differenceChart } from "./difference-chart.js";
import { type Content, html, type Markup } from "./html.js";
import { metricName, showDifference, showP } from "./numbers.js";
import type { ReportComparison } from "./report-data.js";
import { dataTable, section } from "./section.js";

/** How two segmentations of the same cases differ: a chart and a table for each metric. */
export function comparisonSection(comparison: ReportComparison): Markup {
  const { names, cases, foreground } = comparison;
  const metrics = Object.keys(foreground) as Metric[];
  const count = `${cases.length} ${cases.length === 1 ? "case" : "cases"}`;
  return section(
    `Difference: ${names[0]} − ${names[1]}`,
    html`<p>Scores of ${names[0]} less those of ${names[1]}, in ${count}, each organ only where both have a score. In the charts a dot is a case; the diamond is the mean of the differences, the line through it its 95 % interval (percentile bootstrap over cases). p is of Wilcoxon’s two-sided signed-rank test; beside it, corrected by Holm for the number of organs. With fewer than six pairs no p can fall below 0.05. Unpaired cases have a score in one of the two only.</p>`,
    metrics.map((metric) => ofMetric(comparison, metric)),
  );
}

function ofMetric({ names, cases, classes, foreground }: ReportComparison, metric: Metric): Content {
  const organs = Object.entries(classes).flatMap(([name, { [metric]: found }]) => (found ? [{ name, ...found }] : []));
  const bounds = (interval: readonly [number, number] | null): string =>
    interval ? interval.map((bound) => showDifference(metric, bound)).join(" to ") : "";
  const rows = organs.map(({ name, mean, interval, differences, better, worse }) => ({
    name,
    mean,
    interval,
    points: differences.flatMap((value, i) =>
      value === null ? [] : [{ value, title: `${cases[i]}, ${name}: ${showDifference(metric, value)}` }],
    ),
    remark: `${better} better, ${worse} worse`,
  }));
  const { mean: overall = null, interval: around = null } = foreground[metric] ?? {};
  return html`<h3>${metricName(metric)}</h3>
<p class="quiet">${MORE_IS_BETTER[metric] ? "More" : "Less"} is better: ${names[0]} is better to the ${MORE_IS_BETTER[metric] ? "right" : "left"} of zero.</p>
${differenceChart(rows, `Differences of ${metricName(metric)} per organ: ${names[0]} less ${names[1]}`)}
${dataTable(
  `Differences of ${metricName(metric)} per organ`,
  [
    { head: "Organ" },
    ...["Mean", "95 % interval", "Median", "Pairs", "Unpaired", "Better", "Worse", "p", "p, Holm"].map((head) => ({
      head,
      number: true,
    })),
  ],
  [
    ...organs.map(({ name, mean, interval, median, pairs, unpaired, better, worse, p, pHolm }) => [
      name,
      showDifference(metric, mean),
      bounds(interval),
      showDifference(metric, median),
      pairs,
      unpaired,
      better,
      worse,
      showP(p),
      showP(pHolm),
    ]),
    ["Mean over organs", showDifference(metric, overall), bounds(around), "", "", "", "", "", "", ""],
  ],
)}`;
}
