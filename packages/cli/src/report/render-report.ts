import { type AnnotationState, classColor } from "@plseg/core";
import { barChart, legend } from "./charts.js";
import { colorOf } from "./colors.js";
import { comparisonSection } from "./comparison-section.js";
import { curveSections } from "./curve-sections.js";
import { type Content, html, type Markup, raw } from "./html.js";
import { metricName, showScore } from "./numbers.js";
import type { ReportData, ReportMean, ReportPicture, ReportScores } from "./report-data.js";
import { dataTable, section } from "./section.js";
import { listSettings } from "./settings.js";
import { STYLE } from "./style.js";

/**
 * A report as one HTML file that needs nothing else: charts are inline SVG, pictures are part of it, nothing is loaded
 * and no script runs. Every text is escaped.
 */
export function renderReport(data: ReportData): string {
  const made = data.made ?? new Date();
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${data.running ? html`<meta http-equiv="refresh" content="60">` : ""}
<title>${data.title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<header>
<h1>${data.title}</h1>
<p class="quiet">${made.toISOString().slice(0, 16).replace("T", " ")} UTC${data.running ? "; more is to come, and this page is read anew every minute" : ""}</p>
<p>${data.summary}</p>
${figures(data)}
</header>
<main>
${scores(data)}
${data.comparison && comparisonSection(data.comparison)}
${tables(data)}
${worstCases(data)}
${pictures(data)}
${curveSections(data)}
${seenPatches(data)}
${annotations(data)}
${provenance(data)}
</main>
<footer class="quiet"><p>Made by plseg. For research; not a medical device.</p></footer>
</body>
</html>
`;
  return page.text;
}

function figures({ figures: list = [] }: ReportData): Content {
  if (list.length === 0) return "";
  return html`<dl class="figures">${list.map(
    ({ label, value, note }) =>
      html`<div><dt>${label}</dt><dd>${value}${note === undefined ? "" : html`<small>${note}</small>`}</dd></div>`,
  )}</dl>`;
}

function scores({ scores: methods = [], annotatedCases }: ReportData): Content {
  if (methods.length === 0) return "";
  const organs = [...new Set(methods.flatMap(({ summary }) => Object.keys(summary.classes)))];
  const rows = organs.map((name) => ({
    name,
    bars: methods.map(({ name: method, summary }, i) => {
      const { mean = null, interval } = summary.classes[name]?.dice ?? {};
      return { value: mean, interval, color: colorOf(i), title: `${method}, ${name}: ${showScore("dice", mean)}` };
    }),
    remark: annotatedCases ? `labeled in ${annotatedCases[name] ?? 0}` : "",
  }));
  const hasDice = methods.some(({ summary }) => summary.foreground.dice);
  const chart = [
    html`<p>Dice compares the predicted with the reference region: 1 is full agreement, 0 none. ${rows.some(({ bars }) => bars.some(({ interval }) => interval)) ? "Lines show the 95 % interval: percentile bootstrap over cases. " : ""}${annotatedCases ? "At the right: how many training cases have the organ labeled." : ""}</p>`,
    methods.length > 1 ? legend(methods.map(({ name }, i) => ({ name, color: colorOf(i) }))) : "",
    barChart(rows, "Dice per organ"),
  ];
  return section(
    hasDice ? "Dice per organ" : "Scores",
    hasDice ? chart : "",
    scoreTable(methods, organs, annotatedCases),
  );
}

function scoreTable(
  methods: readonly ReportScores[],
  organs: readonly string[],
  annotatedCases: Readonly<Record<string, number>> | undefined,
): Markup {
  const metrics = [...new Set(methods.flatMap(({ summary }) => Object.keys(summary.foreground)))];
  const columns = methods.flatMap(({ name, summary }) =>
    metrics.map((metric) => ({
      head: methods.length > 1 ? `${name} ${metricName(metric)}` : metricName(metric),
      number: true,
      metric,
      summary,
    })),
  );
  const cell = (metric: string, score: ReportMean | undefined): Markup => {
    const interval = score?.interval?.map((bound) => showScore(metric, bound)).join("–");
    const cases = score?.cases === undefined ? undefined : `${score.cases} ${score.cases === 1 ? "case" : "cases"}`;
    const note = [interval, cases].filter((text) => text !== undefined).join(", ");
    return html`${showScore(metric, score?.mean ?? null)}${note === "" ? "" : html`<br><span class="quiet">${note}</span>`}`;
  };
  const labeled = (text: string | number): (string | number)[] => (annotatedCases ? [text] : []);
  return dataTable(
    "Scores per organ",
    [{ head: "Organ" }, ...labeled("Labeled in").map((head) => ({ head: String(head), number: true })), ...columns],
    [
      ...organs.map((organ) => [
        organ,
        ...labeled(annotatedCases?.[organ] ?? 0),
        ...columns.map(({ metric, summary }) => cell(metric, summary.classes[organ]?.[metric])),
      ]),
      ["Mean", ...labeled(""), ...columns.map(({ metric, summary }) => cell(metric, summary.foreground[metric]))],
    ],
  );
}

/** How often each organ had its turn. */
function seenPatches({ seen, patches, annotatedCases = {} }: ReportData): Content {
  if (!seen) return "";
  const organs = [...new Set([...Object.keys(annotatedCases), ...Object.keys(seen)])];
  const share = (organ: string): string => (patches ? `${Math.round((100 * (seen[organ] ?? 0)) / patches)} %` : "");
  return section(
    "How often each organ was seen",
    html`<p>Patches of the training in which a voxel of the organ was labeled${patches ? html`, of ${patches}` : ""}.</p>`,
    dataTable(
      "Patches per organ",
      [{ head: "Organ" }, ...["Labeled in", "Patches", "Share"].map((head) => ({ head, number: true }))],
      organs.map((organ) => [organ, annotatedCases[organ] ?? 0, seen[organ] ?? 0, share(organ)]),
    ),
  );
}

function tables({ tables: list = [] }: ReportData): Content {
  return list.map(({ title, note, head, rows }) =>
    section(
      title,
      note === undefined ? "" : html`<p>${note}</p>`,
      dataTable(
        title,
        head.map((cell) => ({ head: cell })),
        rows,
      ),
    ),
  );
}

/** The cases to look at first. */
function worstCases({ worst = [], classes = [] }: ReportData): Content {
  if (worst.length === 0) return "";
  const organs = Object.keys(worst[0]?.perClass ?? {});
  return section(
    "Worst cases",
    html`<p>The validation cases with the lowest mean Dice. Only annotated organs have a score.</p>`,
    dataTable(
      "Dice of the worst cases, per organ",
      [{ head: "Case" }, ...["Mean", ...organs].map((head) => ({ head, number: true }))],
      worst.map(({ id, dice, perClass }) => [
        id,
        showScore("dice", dice),
        ...organs.map((organ) => showScore("dice", perClass[organ] ?? null)),
      ]),
    ),
    worst.some(({ picture }) => picture) ? classLegend(classes) : "",
    worst.map(({ picture }) => picture && figure(picture)),
  );
}

function pictures({ pictures: list = [], classes = [] }: ReportData): Content {
  if (list.length === 0) return "";
  return section("Pictures", classLegend(classes), list.map(figure));
}

function classLegend(classes: readonly string[]): Content {
  if (classes.length < 2) return "";
  return legend(classes.slice(1).map((name, i) => ({ name, color: `rgb(${classColor(i + 1).join(" ")})` })));
}

function figure({ caption, png, beside }: ReportPicture): Markup {
  const image = (bytes: Uint8Array): Markup =>
    html`<img alt="${caption}" src="data:image/png;base64,${Buffer.from(bytes).toString("base64")}">`;
  return html`<figure>${beside ? html`<div class="views">${[image(png), image(beside)]}</div>` : image(png)}<figcaption>${caption}</figcaption></figure>`;
}

const STATES: Readonly<Record<AnnotationState | "annotated", readonly [symbol: string, meaning: string]>> = {
  present: ["●", "labeled, and present"],
  annotated: ["●", "labeled"],
  absent: ["○", "looked for, and absent"],
  unannotated: ["·", "unlabeled: nobody looked, so it says nothing"],
};

/** Cases shown in the annotation table. */
const MOST_CASES = 200;

function annotations({ annotations: table }: ReportData): Content {
  if (!table || table.cases.length === 0) return "";
  const used = new Set(table.cases.flatMap(({ states }) => states));
  const explained = (Object.keys(STATES) as (keyof typeof STATES)[]).filter((state) => used.has(state));
  const hidden = table.cases.length - MOST_CASES;
  return section(
    "What is labeled",
    html`<p class="legend">${explained.map((state) => html`<span><span class="${state === "annotated" ? "present" : state}">${STATES[state][0]}</span> ${STATES[state][1]}</span>`)}</p>
<div class="scroll" role="region" aria-label="What is labeled" tabindex="0"><table class="states"><thead><tr><th scope="col">Case</th>${table.classes.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${table.cases.slice(0, MOST_CASES).map(
      ({ id, states }) =>
        html`<tr><th scope="row">${id}</th>${states.map((state) => html`<td class="${state === "annotated" ? "present" : state}" title="${STATES[state][1]}"><span aria-hidden="true">${STATES[state][0]}</span><span class="spoken">${STATES[state][1]}</span></td>`)}</tr>
`,
    )}</tbody></table></div>${hidden > 0 ? html`<p class="quiet">and ${hidden} more cases</p>` : ""}`,
  );
}

function provenance({ configuration, versions, commandLine }: ReportData): Content {
  const parts: Content[] = [];
  if (commandLine !== undefined) parts.push(html`<pre>${commandLine}</pre>`);
  if (configuration)
    parts.push(
      html`<details open><summary>Configuration</summary>${dataTable(
        "Configuration",
        [{ head: "Setting" }, { head: "Value" }],
        listSettings(configuration),
      )}</details>`,
    );
  if (versions)
    parts.push(
      html`<details><summary>Versions</summary>${dataTable("Versions", [{ head: "Package" }, { head: "Version" }], Object.entries(versions))}</details>`,
    );
  return parts.length === 0 ? "" : section("How this was made", parts);
}
