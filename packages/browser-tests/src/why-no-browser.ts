import { findBrowser } from "./find-browser.js";

/** Set to 1 where there must be a browser: tests that need it fail instead of being skipped. */
const REQUIRE_BROWSER = "PLSEG_REQUIRE_BROWSER";

/**
 * Why nothing can be tested in a browser here, for `describe.skipIf`; `undefined` if it can.
 *
 * @throws Error if there is no browser, and this is CI or `PLSEG_REQUIRE_BROWSER` is 1.
 */
export function whyNoBrowser(
  env: Readonly<Record<string, string | undefined>> = process.env,
  find: typeof findBrowser = findBrowser,
): string | undefined {
  if (find(env)) return undefined;
  const reason =
    "there is no Chromium on the path. `apt-get install chromium` gets one, or `npx playwright-core install chromium`; PLSEG_CHROMIUM names one elsewhere.";
  if ((env.CI && env.CI !== "false") || env[REQUIRE_BROWSER] === "1")
    throw new Error(`Tests in a browser must run here (CI or ${REQUIRE_BROWSER} is set), but ${reason}`);
  process.stderr.write(`Tests in a browser are skipped: ${reason}\n`);
  return reason;
}
