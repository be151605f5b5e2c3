// Hooks of Node's module loader (https://nodejs.org/docs/latest-v20.x/api/module.html#customization-hooks) that run the
// TypeScript sources of the workspace: `./x.js` means `./x.ts` there, and other packages of the workspace mean their source.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const SOURCE = /\/packages\/.*\/src\/.*\.ts$/;

/** @type {import("node:module").ResolveHook} */
export async function resolve(specifier, context, next) {
  if (!SOURCE.test(context.parentURL ?? "")) return next(specifier, context);
  if (specifier.startsWith(".")) return next(specifier.replace(/\.js$/, ".ts"), context);
  return next(specifier, { ...context, conditions: [...context.conditions, "@plseg/source"] });
}

/** @type {import("node:module").LoadHook} */
export async function load(url, context, next) {
  if (!SOURCE.test(url)) return next(url, context);
  const { default: typescript } = await import("typescript");
  const { ModuleKind, ScriptTarget } = typescript;
  const { outputText } = typescript.transpileModule(await readFile(fileURLToPath(url), "utf8"), {
    fileName: fileURLToPath(url),
    compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ES2022, verbatimModuleSyntax: true },
  });
  return { format: "module", source: outputText, shortCircuit: true };
}
