// What a user of a loss does: install it with npm into an empty folder beside @tensorflow/tfjs, run its README's example.
// Each loss package is packed with the workspace packages it depends on; the example is run by plain Node.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { conclude, execute, inTemporaryFolder, pack, publicPackages, root } from "./workspace.mjs";

const byName = new Map(publicPackages().map((entry) => [entry.name, entry]));
const losses = [...byName.values()].filter(({ path }) => path.startsWith("packages/losses/"));
const needed = new Set(losses.flatMap(({ name }) => withDependencies(name)));
const problems = losses.length === 0 ? ["No loss package was found."] : [];

await inTemporaryFolder(async (folder) => {
  const tarballs = await pack(
    [...needed].flatMap((name) => byName.get(name) ?? []),
    folder,
  );
  for (const { name, path } of losses) {
    const project = join(folder, path);
    mkdirSync(project, { recursive: true });
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
    const files = withDependencies(name).map((dependency) => tarballs.get(dependency) ?? "");
    const install = await execute(
      "npm",
      [
        "install",
        "--prefer-offline",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        ...files,
        `@tensorflow/tfjs@${tfjsVersion()}`,
      ],
      { cwd: project },
    );
    if (!install.ok) {
      problems.push(`${name}: npm install failed.\n${install.output}`);
      continue;
    }
    const example = readFileSync(join(root, path, "README.md"), "utf8").match(/```ts\n([\s\S]*?)```/)?.[1];
    if (!example?.includes(name)) {
      problems.push(`${path}/README.md: its first TypeScript example does not import ${name}.`);
      continue;
    }
    const { module, target } = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    const { outputText } = ts.transpileModule(example, {
      compilerOptions: { module, target, verbatimModuleSyntax: true },
    });
    writeFileSync(join(project, "example.js"), outputText);
    const run = await execute(process.execPath, ["example.js"], { cwd: project });
    if (!run.ok) problems.push(`${name}: the example of its README fails on plain Node.\n${run.output}`);
  }
});
conclude(problems, `${losses.length} losses install from their tarballs and run their README's example.`);

/** A package of the workspace and those it needs at run time, each once. @param {string} name @returns {string[]} */
function withDependencies(name) {
  const dependencies = Object.keys(byName.get(name)?.manifest.dependencies ?? {}).filter((other) => byName.has(other));
  return [...new Set([name, ...dependencies.flatMap(withDependencies)])];
}

/** The version of TensorFlow.js that the workspace is tested with. */
function tfjsVersion() {
  const workspace = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8");
  const version = workspace.match(/"@tensorflow\/tfjs-core": (\S+)/)?.[1];
  if (!version) throw new Error("check-install: pnpm-workspace.yaml has no catalog entry for @tensorflow/tfjs-core.");
  return version;
}
