import { type Content, html, type Markup } from "./html.js";

/** A curve of a line chart. */
export interface Curve {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Any CSS color. */
  readonly color: string;
  /** A faint curve is drawn thin behind the others and is not named. */
  readonly faint?: boolean;
}

/** What a line chart shows besides its curves. */
export interface LineChartOptions {
  readonly xLabel: string;
  readonly yLabel: string;
  /** Smallest and largest y; by default what the curves need. */
  readonly yRange?: readonly [number, number];
}

/** Size of a chart in its own units. */
export const CHART = { width: 720, height: 260 } as const;
const { width: WIDTH, height: HEIGHT } = CHART;
const MARGIN = { left: 72, right: 16, top: 12, bottom: 40 } as const;

/** Curves over a common axis, as inline SVG. */
export function lineChart(curves: readonly Curve[], { xLabel, yLabel, yRange }: LineChartOptions): Markup {
  const points = curves.flatMap((curve) => curve.points);
  const xTicks = ticks(...rangeOf(points.map(([x]) => x)));
  const yTicks = ticks(...(yRange ?? rangeOf(points.map(([, y]) => y))));
  const x = scale(rangeOf([...points.map(([value]) => value)]), [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scale(yRange ?? rangeOf([...points.map(([, value]) => value), ...yTicks]), [
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  ]);
  const grid = yTicks.map(
    (
      tick,
    ) => html`<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${round(y(tick))}" y2="${round(y(tick))}"/>
<text x="${MARGIN.left - 8}" y="${round(y(tick) + 4)}" text-anchor="end">${show(tick)}</text>`,
  );
  const bottom = xTicks.map(
    (tick) =>
      html`<text x="${round(x(tick))}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${show(tick)}</text>`,
  );
  const lines = curves.map(
    ({ name, points: curve, color, faint }) =>
      html`<path d="${path(curve.map(([px, py]) => [x(px), y(py)]))}" stroke="${color}" class="${faint ? "curve faint" : "curve"}"><title>${name}</title></path>`,
  );
  const middle = (MARGIN.top + HEIGHT - MARGIN.bottom) / 2;
  return html`<div class="chart-box"><svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${yLabel} over ${xLabel}">
${grid}${bottom}
<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 4}" text-anchor="middle">${xLabel}</text>
<text transform="translate(12 ${middle}) rotate(-90)" text-anchor="middle">${yLabel}</text>
${lines}</svg></div>
${legend(curves.filter(({ faint }) => !faint))}`;
}

/** One bar: how long it is in [0, 1], and the interval around its end. */
export interface Bar {
  readonly value: number | null;
  readonly interval?: readonly [low: number, high: number] | null | undefined;
  readonly color: string;
  readonly title: string;
}

/** A row of a bar chart: its name, bars one below the other, and a remark at its end. */
export interface BarRow {
  readonly name: string;
  readonly bars: readonly Bar[];
  readonly remark: string;
}

const NAME_WIDTH = 150;
const REMARK_WIDTH = 150;
const BAR_HEIGHT = 13;
const ROW_GAP = 12;

/** Horizontal bars for values in [0, 1], with intervals, as inline SVG. */
export function barChart(rows: readonly BarRow[], label: string): Markup {
  const x = scale([0, 1], [NAME_WIDTH, WIDTH - REMARK_WIDTH]);
  const parts: Content[] = [];
  let top = 8;
  for (const { name, bars, remark } of rows) {
    const height = bars.length * BAR_HEIGHT;
    const middle = round(top + height / 2 + 4);
    parts.push(html`<text x="${NAME_WIDTH - 10}" y="${middle}" text-anchor="end">${name}</text>`);
    for (const [i, bar] of bars.entries()) parts.push(oneBar(bar, x, top + i * BAR_HEIGHT));
    parts.push(html`<text class="quiet" x="${WIDTH - REMARK_WIDTH + 52}" y="${middle}">${remark}</text>`);
    top += height + ROW_GAP;
  }
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (tick) => html`<line class="grid" x1="${round(x(tick))}" x2="${round(x(tick))}" y1="0" y2="${top}"/>
<text x="${round(x(tick))}" y="${top + 14}" text-anchor="middle">${show(tick)}</text>`,
  );
  return html`<div class="chart-box"><svg class="chart" viewBox="0 0 ${WIDTH} ${top + 20}" role="img" aria-label="${label}">${grid}${parts}</svg></div>`;
}

function oneBar({ value, interval, color, title }: Bar, x: (value: number) => number, top: number): Markup {
  if (value === null) return html`<text class="quiet" x="${round(x(0) + 4)}" y="${top + 10}">no value</text>`;
  const middle = top + (BAR_HEIGHT - 2) / 2;
  const whisker = interval
    ? html`<path class="whisker" d="M${round(x(interval[0]))} ${middle}H${round(x(interval[1]))}"/>`
    : "";
  const end = Math.max(x(value), interval ? x(interval[1]) : 0);
  return html`<g><title>${title}</title><rect x="${x(0)}" y="${top}" width="${round(Math.max(x(value) - x(0), 1))}" height="${BAR_HEIGHT - 2}" rx="2" fill="${color}"/>${whisker}
<text class="number" x="${round(end + 6)}" y="${top + 10}">${value.toFixed(3)}</text></g>`;
}

/** Colored squares with names. */
export function legend(entries: readonly { readonly name: string; readonly color: string }[]): Markup {
  return html`<p class="legend">${entries.map(
    ({ name, color }) => html`<span><i style="background:${color}"></i>${name}</span> `,
  )}</p>`;
}

/** A curve averaged over a window of up to `width` points around each, so that its course is seen. */
export function smooth(points: readonly (readonly [number, number])[], width: number): (readonly [number, number])[] {
  const half = Math.floor(width / 2);
  const sums = [0];
  for (const [, y] of points) sums.push((sums.at(-1) as number) + y);
  return points.map(([x], i) => {
    const [from, to] = [Math.max(0, i - half), Math.min(points.length, i + half + 1)];
    return [x, ((sums[to] as number) - (sums[from] as number)) / (to - from)] as const;
  });
}

/** At most `most` points, evenly chosen, the last among them. */
export function thin<T>(points: readonly T[], most: number): T[] {
  if (points.length <= most) return [...points];
  return Array.from({ length: most }, (_, i) => points[Math.round((i * (points.length - 1)) / (most - 1))] as T);
}

/** About five round numbers within a range. */
export function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(count, 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function rangeOf(values: readonly number[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** Maps [low, high] linearly to [from, to]. */
export function scale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
): (value: number) => number {
  return (value) => from + ((value - low) / (high - low || 1)) * (to - from);
}

const path = (points: readonly (readonly [number, number])[]): string =>
  points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${round(x)} ${round(y)}`).join("");

/** To a tenth of a chart's unit. */
export const round = (value: number): number => Math.round(value * 10) / 10;

/** The number beside a tick. */
export const show = (value: number): string => (Math.abs(value) >= 10_000 ? `${value / 1000}k` : String(value));
