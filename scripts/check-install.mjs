// What a user of a loss does: install it with npm into an empty folder beside @tensorflow/tfjs, run its README's example.
// Each loss package is packed with the workspace packages it depends on; the example is run by plain Node.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { conclude, execute, inPairs, inTemporaryFolder, pack, publicPackages, root } from "./workspace.mjs";

const byName = new Map(publicPackages().map((entry) => [entry.name, entry]));
const losses = [...byName.values()].filter(({ path }) => path.startsWith("packages/losses/"));
const needed = new Set(losses.flatMap(({ name }) => withDependencies(name)));
const problems = losses.length === 0 ? ["No loss package was found."] : [];

await inTemporaryFolder(async (folder) => {
  const tarballs = await pack(
    [...needed].flatMap((name) => byName.get(name) ?? []),
    folder,
  );
  await inPairs(losses, async ({ name, path }) => {
    const files = withDependencies(name).map((dependency) => tarballs.get(dependency) ?? "");
    const problem = await tryOut(name, path, join(folder, path), files);
    if (problem) problems.push(problem);
  });
});
conclude(problems, `${losses.length} losses install from their tarballs and run their README's example.`);

/**
 * Installs the tarballs in a new folder and runs the example of the package's README there.
 *
 * @param {string} name - Of the package.
 * @param {string} path - Of its folder, from the root.
 * @param {string} project - The new folder.
 * @param {readonly string[]} files - Tarballs of the package and its dependencies.
 * @returns {Promise<string | undefined>} What went wrong.
 */
async function tryOut(name, path, project, files) {
  const readme = join(root, path, "README.md");
  const example = existsSync(readme) ? readFileSync(readme, "utf8").match(/```ts\n([\s\S]*?)```/)?.[1] : undefined;
  if (!example?.includes(name)) return `${path}/README.md: no TypeScript example that imports ${name} comes first.`;
  const { outputText } = ts.transpileModule(example, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
  });
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  writeFileSync(join(project, "example.js"), outputText);
  const options = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
  const install = await execute("npm", ["install", ...options, ...files, `@tensorflow/tfjs@${tfjsVersion()}`], {
    cwd: project,
  });
  if (!install.ok) return `${name}: npm install failed.\n${install.output}`;
  const run = await execute(process.execPath, ["example.js"], { cwd: project });
  if (!run.ok) return `${name}: the example of its README fails on plain Node.\n${run.output}`;
}

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
