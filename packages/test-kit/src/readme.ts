import { readFileSync } from "node:fs";

const AsyncFunction = (async () => {}).constructor as new (
  ...parametersAndBody: string[]
) => (...values: unknown[]) => Promise<Record<string, unknown>>;

/**
 * Runs the first TypeScript example of a README, which must also be JavaScript.
 *
 * @param modules - What the example's imports give, by module name.
 * @returns The values of the variables in `results`.
 * @throws Error if there is no example, or it imports a module that is not given.
 */
export async function runReadmeExample(
  readme: URL,
  modules: Readonly<Record<string, object>>,
  results: readonly string[],
): Promise<Record<string, unknown>> {
  const example = /```ts\n(.*?)```/s.exec(readFileSync(readme, "utf8"))?.[1];
  if (example === undefined) throw new Error(`runReadmeExample: ${readme.pathname} has no TypeScript example.`);
  const bindings: Record<string, unknown> = {};
  const body = example.replace(/^import (\* as )?(.+) from "(.+)";$/gm, (_line, star, names: string, from: string) => {
    const module = modules[from] as Record<string, unknown> | undefined;
    if (!module) throw new Error(`runReadmeExample: the example imports ${from}, which was not given.`);
    if (star) bindings[names] = module;
    else for (const name of names.replace(/[{}\s]/g, "").split(",")) bindings[name] = module[name];
    return "";
  });
  const run = new AsyncFunction(...Object.keys(bindings), `"use strict";${body}\nreturn { ${results.join(", ")} };`);
  return run(...Object.values(bindings));
}
