import { stripVTControlCharacters } from "node:util";

/** Results go to stdout, everything else to stderr, so that `plseg … --json | jq` works. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One JSON document on stdout. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

/** A line for people on stderr. It ends the line of an unfinished bar first. */
export function log(text: string): void {
  endProgress();
  process.stderr.write(`${text}\n`);
}

/** Codes that begin and end a color. */
const COLORS = { red: [31, 39], green: [32, 39], yellow: [33, 39], bold: [1, 22], dim: [2, 22] } as const;

/** Text in a color if `stream` is a terminal and `NO_COLOR` is not set, plain otherwise. */
export function paint(color: keyof typeof COLORS, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  const wanted = stream.isTTY && !process.env.NO_COLOR && process.env.TERM !== "dumb";
  const [begin, end] = COLORS[color];
  return wanted ? `\u001b[${begin}m${text}\u001b[${end}m` : text;
}

/** Whether a column reads best aligned to the right: numbers, also with a unit, an interval or a gap. */
const isNumeric = (text: string): boolean => /^[-−+±–<]?(\d|$)/.test(stripVTControlCharacters(text));

/** Rows in aligned columns, the first row being the head. Columns of numbers are aligned to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const cells = (column: number): string[] => rows.map((row) => row[column] ?? "");
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...cells(i).map((cell) => stripVTControlCharacters(cell).length)),
  );
  const right = Array.from({ length: columns }, (_, i) => i > 0 && cells(i).slice(1).every(isNumeric));
  return rows
    .map((row) =>
      widths
        .map((width, i) => {
          const cell = row[i] ?? "";
          const gap = " ".repeat(width - stripVTControlCharacters(cell).length);
          return right[i] ? gap + cell : cell + gap;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** `1:05` or `2:03:09` from seconds. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** Tells how far something is. The note is shown at the end of the line. */
export type Progress = (done: number, total: number, note?: string) => void;

/** Milliseconds between two drawings of a bar. */
const REDRAW = 100;
const BAR = 24;

/** The stream on which a bar stands that is not finished, if there is one. */
let open: NodeJS.WriteStream | undefined;

/** Ends the line of a bar that was left unfinished, so that what comes next starts on a line of its own. */
export function endProgress(): void {
  open?.write("\n");
  open = undefined;
}

/** A line on a terminal that is drawn over itself, not too often unless it is the last. Silent where there is no terminal. */
export function statusLine(stream: NodeJS.WriteStream = process.stderr): (line: () => string, last: boolean) => void {
  let drawn = Number.NEGATIVE_INFINITY;
  return (line, last) => {
    const now = performance.now();
    if (!stream.isTTY || (!last && now - drawn < REDRAW)) return;
    drawn = now;
    stream.write(`\r\u001b[K${line().slice(0, (stream.columns || 120) - 1)}`);
    open = stream;
    if (last) endProgress();
  };
}

/**
 * A line that shows how far something is, at what rate, since when and until when. Only on a terminal; otherwise silent.
 *
 * @param label - What is being done, in a word or two.
 */
export function progressBar(label: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  const start = performance.now();
  const show = statusLine(stream);
  return (done, total, note = "") =>
    show(() => progressLine({ label, done, total, note, seconds: (performance.now() - start) / 1000 }), done >= total);
}

/** A bar that begins anew with every item, such as a scan, and is labeled with its name. */
export function barPerItem(): (done: number, total: number, id: string) => void {
  let bar: { readonly id: string; readonly show: Progress } | undefined;
  return (done, total, id) => {
    if (bar?.id !== id) bar = { id, show: progressBar(id) };
    bar.show(done, total);
  };
}

/** `███████░░░░░  58 %` */
export function bar(done: number, total: number, length: number = BAR): string {
  const part = total > 0 ? Math.min(done / total, 1) : 1;
  const full = Math.round(part * length);
  return `${"█".repeat(full)}${"░".repeat(length - full)} ${String(Math.floor(100 * part)).padStart(3)} %`;
}

/** What a progress bar shows. */
export interface ProgressState {
  readonly label: string;
  readonly done: number;
  readonly total: number;
  readonly note: string;
  /** Since the beginning. */
  readonly seconds: number;
}

/** `predict ███████░░░░░  58 %  7/12  1.4/s  0:05 elapsed  0:04 left  case_0001` */
export function progressLine({ label, done, total, note, seconds }: ProgressState): string {
  const rate = seconds > 0 ? done / seconds : 0;
  const speed = rate >= 1 || rate === 0 ? `${rate.toFixed(1)}/s` : `${(1 / rate).toFixed(1)} s each`;
  const left = done >= total ? "" : rate > 0 ? `${duration((total - done) / rate)} left` : "";
  const parts = [`${label} ${bar(done, total)}`, `${done}/${total}`, speed, `${duration(seconds)} elapsed`, left, note];
  return parts.filter((text) => text !== "").join("  ");
}
