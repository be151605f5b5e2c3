import { describe, expect, test } from "vitest";
import { whyNoBrowser } from "./why-no-browser.js";

const none = () => undefined;

describe("whyNoBrowser", () => {
  test("has nothing to say where there is one", () => {
    expect(whyNoBrowser({ CI: "true" }, () => "/usr/bin/chromium")).toBeUndefined();
  });

  test("gives the reason to skip tests where there is none", () => {
    expect(whyNoBrowser({}, none)).toContain("there is no Chromium on the path.");
    expect(whyNoBrowser({ CI: "false" }, none)).toContain("PLSEG_CHROMIUM names one elsewhere.");
  });

  test.each([{ CI: "true" }, { PLSEG_REQUIRE_BROWSER: "1" }])("is an error with %o", (env) => {
    expect(() => whyNoBrowser(env, none)).toThrow("Tests in a browser must run here");
  });
});
