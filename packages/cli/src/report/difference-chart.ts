import { CHART, round, scale, show, ticks } from "./charts.js";
import { html, type Markup } from "./html.js";

/** A row of a difference chart. */
export interface DifferenceRow {
  readonly name: string;
  /** One dot each. */
  readonly points: readonly { readonly value: number; readonly title: string }[];
  /** A diamond; nothing without one. */
  readonly mean: number | null;
  /** A line through the diamond. */
  readonly interval: readonly [low: number, high: number] | null;
  /** At the end of the row. */
  readonly remark: string;
}

const NAME_WIDTH = 150;
const REMARK_WIDTH = 130;
const ROW_HEIGHT = 28;

/** Dots on both sides of zero, a row for each organ, with mean and interval, as inline SVG. */
export function differenceChart(rows: readonly DifferenceRow[], label: string): Markup {
  const values = rows.flatMap(({ points, interval }) => [...points.map(({ value }) => value), ...(interval ?? [])]);
  const reach = Math.max(1e-3, ...values.map(Math.abs)) * 1.05;
  const x = scale([-reach, reach], [NAME_WIDTH, CHART.width - REMARK_WIDTH]);
  const height = rows.length * ROW_HEIGHT + 8;
  const middle = (row: number): number => 8 + (row + 0.5) * ROW_HEIGHT;
  const grid = ticks(-reach, reach).map(
    (
      tick,
    ) => html`<line class="${tick === 0 ? "zero" : "grid"}" x1="${round(x(tick))}" x2="${round(x(tick))}" y1="0" y2="${height}"/>
<text x="${round(x(tick))}" y="${height + 16}" text-anchor="middle">${show(tick)}</text>`,
  );
  const drawn = rows.map(({ name, points, mean, interval, remark }, row) => {
    const y = middle(row);
    // Dots of like values are moved apart, up and down in turns, so that each is seen.
    const dots = points.map(
      ({ value, title }, i) =>
        html`<circle class="dot" cx="${round(x(value))}" cy="${round(y + (((i * 5) % 7) - 3) * 1.6)}" r="3"><title>${title}</title></circle>`,
    );
    const whisker = interval
      ? html`<path class="whisker" d="M${round(x(interval[0]))} ${y}H${round(x(interval[1]))}"/>`
      : "";
    const diamond =
      mean === null
        ? html`<text class="quiet" x="${round(x(0) + 6)}" y="${y + 4}">no pairs</text>`
        : html`<path class="mean" d="M${round(x(mean) - 5)} ${y}l5 -5l5 5l-5 5z"/>`;
    return html`<g><text x="${NAME_WIDTH - 10}" y="${y + 4}" text-anchor="end">${name}</text>${dots}${whisker}${diamond}
<text class="quiet" x="${CHART.width - REMARK_WIDTH + 12}" y="${y + 4}">${remark}</text></g>`;
  });
  return html`<div class="chart-box"><svg class="chart" viewBox="0 0 ${CHART.width} ${height + 22}" role="img" aria-label="${label}">${grid}${drawn}</svg></div>`;
}
