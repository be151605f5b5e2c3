// Packs every public package and looks at the tarball as its users will: publint, attw, the license, no tests inside.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { conclude, execute, inPairs, inTemporaryFolder, pack, publicPackages } from "./workspace.mjs";

const packages = publicPackages();
await inTemporaryFolder(async (folder) => {
  const tarballs = await pack(packages, folder);
  const problems = await inPairs(packages, async ({ name }) => {
    const tarball = tarballs.get(name) ?? "";
    const publint = await execute("publint", ["run", tarball, "--strict"]);
    const attw = await execute("attw", [tarball, "--profile", "esm-only", "--format", "ascii"]);
    const files = filesOf(tarball);
    return [
      publint.ok ? [] : [`${name}: publint\n${publint.output}`],
      attw.ok ? [] : [`${name}: attw\n${attw.output}`],
      ["LICENSE", "README.md"].filter((file) => !files.includes(file)).map((file) => `${name}: ${file} is missing.`),
      files
        .filter((file) => /\.test\.|tsbuildinfo/.test(file))
        .map((file) => `${name}: ${file} does not belong in it.`),
    ].flat();
  });
  conclude(problems.flat(), `${packages.length} tarballs are sound.`);
});

/** Paths of the files in a tarball (ustar: blocks of 512 bytes, a header before each file). @param {string} tarball */
function filesOf(tarball) {
  const bytes = gunzipSync(readFileSync(tarball));
  const text = (/** @type {number} */ start, /** @type {number} */ length) =>
    bytes.toString("utf8", start, start + length).split("\0", 1)[0] ?? "";
  const files = [];
  for (let at = 0; at < bytes.length && bytes[at] !== 0; ) {
    const prefix = text(at + 345, 155);
    files.push((prefix ? `${prefix}/` : "") + text(at, 100));
    at += 512 * (1 + Math.ceil(Number.parseInt(text(at + 124, 12), 8) / 512));
  }
  return files.map((file) => file.replace(/^package\//, ""));
}
