import type { Browser } from "playwright-core";
import type { pageTasks } from "./page/page-tasks.js";
import { watchPage } from "./watch-page.js";

type PageTasks = typeof pageTasks;

/** A page in which tasks can be run. */
export interface TestPage {
  /** Runs a task in the page. @throws Error with the page's own message, and what it wrote to its console. */
  run<Name extends keyof PageTasks>(
    name: Name,
    argument: Parameters<PageTasks[Name]>[0],
  ): Promise<Awaited<ReturnType<PageTasks[Name]>>>;
  /** Web workers that it has; ONNX Runtime's threads are such. */
  workers(): number;
  /** Closes it. */
  close(): Promise<void>;
}

/** Opens the test page. */
export async function openPage(browser: Browser, url: URL): Promise<TestPage> {
  const page = await browser.newPage();
  const watch = watchPage(page);
  const forever = { timeout: 0 }; // `watch` has patience of its own
  await watch(`opening ${url}`, page.goto(url.href, forever));
  await watch(
    `loading ${url}`,
    page.waitForFunction(() => "pageTasks" in globalThis, undefined, forever),
  );
  return {
    run: (name, argument) =>
      watch(
        name,
        page.evaluate(
          ([task, given]) =>
            (globalThis as unknown as { pageTasks: PageTasks }).pageTasks[task](given as never) as never,
          [name, argument] as const,
        ),
      ),
    workers: () => page.workers().length,
    close: () => page.close(),
  };
}
