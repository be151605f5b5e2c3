import type { Page } from "playwright-core";

/** Milliseconds after which something is given up: far more than anything takes on a busy machine. */
const PATIENCE = 110_000;

/** Waits for work in a page. */
export type Watch = <T>(what: string, work: Promise<T>) => Promise<T>;

/**
 * Listens to a page from now on.
 *
 * @returns A function that waits for work in the page. Its errors say what the work was and what the page wrote to its console;
 * work that takes too long, and a page that crashes, are errors.
 */
export function watchPage(page: Page): Watch {
  const said: string[] = [];
  page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => said.push(`uncaught: ${error.message}`));
  page.on("requestfailed", (request) =>
    said.push(`not loaded: ${request.url()} ${request.failure()?.errorText ?? ""}`),
  );
  const crashed = new Promise<never>((_, reject) => {
    page.on("crash", () => reject(new Error("the page crashed")));
  });
  crashed.catch(() => {}); // whoever waits then is told

  return async (what, work) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`it took more than ${PATIENCE / 1000} s`)), PATIENCE);
    });
    try {
      return await Promise.race([work, late, crashed]);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const heard = said.length > 0 ? `The page's console:\n${said.join("\n")}` : "The page's console is empty.";
      throw new Error(`${what}: ${reason}\n${heard}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  };
}
