import { constants } from "node:os";
import { log } from "./terminal.js";

/** Ctrl-C, and what a cluster sends before it ends a job: Slurm, Kubernetes. */
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Takes the listeners of the command that runs off again. */
let release: () => void = () => {};

/**
 * Aborts at the first Ctrl-C or SIGTERM, so that a long command saves what it has and ends; the second one ends the process
 * at once. The exit code of the process then tells the signal, as of one that was ended by it: 130 or 143.
 *
 * @param after - What it stops after, such as `this step`.
 * @param reason - What is thrown where there is nothing to save yet.
 */
export function stopOnInterrupt(after: string, reason?: Error): AbortSignal {
  endInterrupts();
  const controller = new AbortController();
  const stop = (signal: (typeof SIGNALS)[number]): void => {
    endInterrupts();
    process.exitCode = 128 + constants.signals[signal];
    log(
      `\nstopping after ${after}; ${signal === "SIGINT" ? "press Ctrl-C again" : "send SIGTERM again"} to stop at once`,
    );
    controller.abort(reason);
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  release = () => {
    for (const signal of SIGNALS) process.off(signal, stop);
  };
  return controller.signal;
}

/** Lets signals end the process at once again. */
export function endInterrupts(): void {
  release();
  release = () => {};
}
