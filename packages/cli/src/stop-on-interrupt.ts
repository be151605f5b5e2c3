import { log } from "./terminal.js";

/**
 * Aborts at the first Ctrl-C, so that a long command saves what it has and ends; the second one ends the process at once.
 *
 * @param after - What it stops after, such as `this step`.
 * @param reason - What is thrown where there is nothing to save yet.
 */
export function stopOnInterrupt(after: string, reason?: Error): AbortSignal {
  const controller = new AbortController();
  process.once("SIGINT", () => {
    log(`\nstopping after ${after}; press Ctrl-C again to stop at once`);
    controller.abort(reason);
  });
  return controller.signal;
}
