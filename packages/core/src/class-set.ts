import { ConfigError } from "./errors.js";
import { suggest } from "./suggest.js";

/** The classes of a task in order. Class 0 is the background. */
export class ClassSet {
  /** Names, background first. A class's index is its place here. */
  readonly names: readonly string[];

  /** @throws ConfigError unless there are at least two distinct, non-empty names and the first is `background`. */
  constructor(names: readonly string[]) {
    if (names[0] !== "background")
      throw new ConfigError(`ClassSet: the first class must be "background", got ${JSON.stringify(names[0] ?? null)}.`);
    if (names.length < 2) throw new ConfigError("ClassSet: at least one class besides the background is needed.");
    const repeated = names.find((name, i) => names.indexOf(name) !== i);
    if (repeated !== undefined) throw new ConfigError(`ClassSet: the class "${repeated}" is named twice.`);
    if (names.some((name) => name.trim() === "")) throw new ConfigError("ClassSet: a class has an empty name.");
    this.names = [...names];
  }

  /** Number of classes, background included. */
  get size(): number {
    return this.names.length;
  }

  /** Names of the classes other than the background. */
  get foreground(): readonly string[] {
    return this.names.slice(1);
  }

  /**
   * Index of a class.
   *
   * @throws ConfigError if there is no such class; the message lists the classes and suggests the nearest.
   */
  indexOf(name: string): number {
    const index = this.names.indexOf(name);
    if (index >= 0) return index;
    throw new ConfigError(
      `ClassSet: there is no class "${name}".${suggest(name, this.names)} Classes: ${this.names.join(", ")}.`,
    );
  }
}
