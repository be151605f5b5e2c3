// API reports: what each public package exports, as one reviewed text file beside its package.json.
// Without arguments checks that they are current and that every export is documented; `--write` writes them anew.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { conclude, inTemporaryFolder, publicPackages, root } from "./workspace.mjs";

const write = process.argv.includes("--write");
/** @type {string[]} */
const problems = [];
let reports = 0;
await inTemporaryFolder(async (temporary) => {
  for (const { name, path, folder, manifest } of publicPackages()) {
    for (const [subpath, { types } = {}] of Object.entries(manifest.exports)) {
      if (!types) continue;
      const entry = join(folder, types);
      const report = [name.split("/")[1], subpath.slice(2), "api.md"].filter(Boolean).join(".");
      if (!existsSync(entry)) {
        problems.push(`${path}: ${types} is not built.`);
        continue;
      }
      /** @type {string[]} */
      const messages = [];
      const { succeeded, apiReportChanged } = Extractor.invoke(configure(entry, folder, report, temporary), {
        localBuild: write,
        messageCallback: (message) => {
          message.handled = true;
          if (message.logLevel === "error") messages.push(`${path}: ${message.text}`);
        },
      });
      reports++;
      if (apiReportChanged && !write)
        problems.push(`${path}/${report} is not current. Run \`pnpm build && pnpm api\`.`);
      else if (!succeeded) problems.push(...messages);
      const file = join(folder, report);
      if (existsSync(file))
        for (const [line] of readFileSync(file, "utf8").matchAll(/.*\(undocumented\)\n.*/g))
          problems.push(`${path}/${report}: undocumented: ${line.split("\n")[1]?.trim()}`);
    }
  }
});
conclude(problems, `${reports} API reports are current, every export is documented.`);

/**
 * @param {string} entry - The .d.ts file of the entry point.
 * @param {string} folder - Of the package.
 * @param {string} report - File name of the report.
 * @param {string} temporary - Where the new report is written for the comparison.
 */
function configure(entry, folder, report, temporary) {
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, "package.json"),
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: entry,
      newlineKind: "lf",
      apiReport: { enabled: true, reportFileName: report, reportFolder: folder, reportTempFolder: temporary },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: "es2022",
            module: "nodenext",
            lib: ["es2023", "dom"],
            strict: true,
            skipLibCheck: true,
            types: ["node"],
            typeRoots: [join(root, "node_modules/@types")],
          },
          files: [entry],
        },
      },
      messages: { extractorMessageReporting: { "ae-missing-release-tag": { logLevel: ExtractorLogLevel.None } } },
    },
  });
}
