import { resolve, sep } from "node:path";

/** The last parts of paths, as many as tell them apart; the paths as they are if nothing does. */
export function distinctNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) => resolve(path).split(sep));
  const longest = Math.max(0, ...parts.map(({ length }) => length));
  for (let count = 1; count <= longest; count++) {
    const names = parts.map((list) => list.slice(-count).join(sep));
    if (new Set(names).size === names.length) return names;
  }
  return [...paths];
}
