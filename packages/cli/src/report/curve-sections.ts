import { classColor } from "@plseg/core";
import { lineChart, smooth, thin } from "./charts.js";
import { colorOf } from "./colors.js";
import { type Content, html } from "./html.js";
import type { ReportCurve, ReportData } from "./report-data.js";
import { section } from "./section.js";

/** Points of a curve that are drawn. */
const CURVE_POINTS = 1000;

/** Loss, learning rate and Dice over the steps. */
export function curveSections({ loss = [], learningRate = [], validation = [], organs = [] }: ReportData): Content {
  return [lossSection(loss), validationSection(validation, organs), learningRateSection(learningRate)];
}

function lossSection(loss: readonly ReportCurve[]): Content {
  if (!loss.some(({ points }) => points.length > 1)) return "";
  const faint = loss.map(({ name, points }, i) => ({
    name,
    points: thin(points, CURVE_POINTS),
    color: colorOf(i),
    faint: true,
  }));
  const smoothed = loss.map(({ name, points }, i) => ({
    name,
    points: thin(smooth(points, Math.max(5, Math.round(points.length / 30))), CURVE_POINTS),
    color: colorOf(i),
  }));
  return section(
    "Training loss",
    html`<p>What training minimizes, per step (faint) and smoothed. Methods have different losses: compare courses, not heights.</p>`,
    lineChart([...faint, ...smoothed], { xLabel: "step", yLabel: "loss" }),
  );
}

function validationSection(validation: readonly ReportCurve[], organs: readonly ReportCurve[]): Content {
  if (!validation.some(({ points }) => points.length > 0)) return "";
  return section(
    "Validation",
    lineChart(
      validation.map(({ name, points }, i) => ({ name, points, color: colorOf(i) })),
      { xLabel: "step", yLabel: "mean Dice", yRange: [0, 1] },
    ),
    organs.some(({ points }) => points.length > 0)
      ? lineChart(
          organs.map(({ name, points }, i) => ({ name, points, color: `rgb(${classColor(i + 1).join(" ")})` })),
          { xLabel: "step", yLabel: "Dice per organ", yRange: [0, 1] },
        )
      : "",
  );
}

function learningRateSection(learningRate: readonly ReportCurve[]): Content {
  if (!learningRate.some(({ points }) => points.length > 1)) return "";
  return section(
    "Learning rate",
    lineChart(
      learningRate.map(({ name, points }, i) => ({ name, points: thin(points, CURVE_POINTS), color: colorOf(i) })),
      { xLabel: "step", yLabel: "learning rate" },
    ),
  );
}
