// Packs every public package and looks at the tarball as its users will: publint, attw, the license, no tests inside.

import { conclude, execute, inPairs, inTemporaryFolder, pack, publicPackages } from "./workspace.mjs";

const packages = publicPackages();
await inTemporaryFolder(async (folder) => {
  const tarballs = await pack(packages, folder);
  const problems = await inPairs(packages, async ({ name }) => {
    const tarball = tarballs.get(name) ?? "";
    const publint = await execute("publint", ["run", tarball, "--strict"]);
    const attw = await execute("attw", [tarball, "--profile", "esm-only", "--format", "ascii"]);
    const { output: files } = await execute("tar", ["-tzf", tarball]);
    return [
      publint.ok ? [] : [`${name}: publint\n${publint.output}`],
      attw.ok ? [] : [`${name}: attw\n${attw.output}`],
      ["LICENSE", "README.md"]
        .filter((file) => !files.includes(`package/${file}\n`))
        .map((file) => `${name}: ${file} is missing.`),
      /\.test\.[jt]s|tsbuildinfo/.test(files) ? [`${name}: holds tests or build state:\n${files}`] : [],
    ].flat();
  });
  conclude(problems.flat(), `${packages.length} tarballs are sound.`);
});
