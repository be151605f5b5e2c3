// `tsc -b` in one package builds the packages it refers to. Turbo orders builds by package.json: were a reference missing
// there, two builds could write the same folder at once. So both lists must say the same, and the root must list all.

import { readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { conclude, root, workspacePackages } from "./workspace.mjs";

const packages = workspacePackages();
const nameOf = new Map(packages.map(({ name, path }) => [path, name]));
const problems = packages
  .filter(({ manifest }) => manifest.scripts?.build)
  .flatMap(({ path, manifest }) => {
    const dependencies = Object.keys({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.peerDependencies,
    });
    return references(path)
      .filter((reference) => !dependencies.includes(nameOf.get(reference) ?? ""))
      .map((reference) => `${path}/tsconfig.json refers to ${reference}, but package.json does not depend on it.`);
  });
const listed = references("");
for (const { path, manifest } of packages)
  if (manifest.scripts?.build && !listed.includes(path)) problems.push(`tsconfig.json does not refer to ${path}.`);
conclude(problems, `References of ${packages.length} packages follow their dependencies.`);

/** The folders that a tsconfig.json refers to, from the root. @param {string} path @returns {string[]} */
function references(path) {
  const config = JSON.parse(readFileSync(join(root, path, "tsconfig.json"), "utf8"));
  return (config.references ?? []).map((/** @type {{ path: string }} */ reference) =>
    normalize(join(path, reference.path)),
  );
}
