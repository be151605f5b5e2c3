let last: Promise<unknown> = Promise.resolve();

/**
 * Runs tasks one after another, in the order in which they came, whatever becomes of those before. There is one queue for
 * the process (or the browser's worker): what must not overlap goes through it, whoever asks.
 */
export function inTurn<T>(task: () => Promise<T>): Promise<T> {
  const result = last.then(task);
  last = result.catch(() => undefined);
  return result;
}
