// Holds the one direction of imports (.dependency-cruiser.mjs) and makes sure that the cruise saw every source file:
// a dependency checker that looked at nothing passes.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { cruise } from "dependency-cruiser";
import extractTsConfig from "dependency-cruiser/config-utl/extract-ts-config";
import config from "../.dependency-cruiser.mjs";
import { conclude, root, workspacePackages } from "./workspace.mjs";

process.chdir(root);
const { options = {}, ...rules } = config;
const sources = workspacePackages().flatMap(({ path }) => sourcesOf(`${path}/src`));
const { output } = await cruise(
  ["packages"],
  { ...options, validate: true, ruleSet: rules },
  options.enhancedResolveOptions,
  { tsConfig: extractTsConfig("tsconfig.base.json") },
);
if (typeof output === "string") throw new Error(`dependency-cruiser: expected a result, got "${output}".`);
const { modules, summary } = output;
const seen = new Set(modules.map(({ source }) => source));
const unseen = sources.filter((source) => !seen.has(source));
conclude(
  [
    ...summary.violations.map(({ rule, from, to, cycle }) =>
      [`${rule.name}:`, from, "→", cycle ? cycle.map(({ name }) => name).join(" → ") : to].join(" "),
    ),
    ...(sources.length === 0 ? ["No source file was found below packages/."] : []),
    ...unseen.map((source) => `${source} was not looked at.`),
  ],
  `${modules.length} modules, ${summary.totalDependenciesCruised} imports, all in the one direction.`,
);

/** @param {string} folder @returns {string[]} */
function sourcesOf(folder) {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name}`.replaceAll("\\", "/"));
}
