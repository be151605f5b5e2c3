import { InvalidArgumentError } from "@commander-js/extra-typings";

/** Reads a whole number of at least `lowest` from the command line. */
export function wholeNumber(lowest: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(value) && value >= lowest) return value;
    throw new InvalidArgumentError(`It must be a whole number of at least ${lowest}.`);
  };
}

/** Reads a number in [low, high) from the command line. */
export function numberIn(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= low && value < high) return value;
    throw new InvalidArgumentError(`It must be a number of at least ${low} and below ${high}.`);
  };
}

/** Reads a number of at least 0 from the command line. */
export function atLeastZero(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("It must be a number of at least 0.");
}

/** Reads a number from 0 to 1 from the command line. */
export function part(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("It must be a number from 0 to 1.");
}

/** Reads the name of an older checkpoint: `previous`, `best`, or a step. */
export function checkpointNamed(text: string): "previous" | "best" | number {
  if (text === "previous" || text === "best") return text;
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be previous, best, or the step of a checkpoint that was kept, such as 5000.");
}

/** Reads names separated by commas. */
export function nameList(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.some((name) => name === "")) throw new InvalidArgumentError("It must be names separated by commas.");
  return names;
}

/** Reads whole numbers of voxels along depth, height and width. */
export function voxelsOf(text: string): [depth: number, height: number, width: number] {
  const sizes = text.split(",").map(Number);
  const [depth, height, width] = sizes;
  if (sizes.length === 3 && depth && height && width && sizes.every((size) => Number.isInteger(size) && size > 0))
    return [depth, height, width];
  throw new InvalidArgumentError("It must be three whole numbers: depth,height,width, such as 96,128,128.");
}

/** Reads millimeters along depth, height and width, or one number for all. */
export function millimetersOf(text: string): [depth: number, height: number, width: number] {
  const sides = text.split(",").map(Number);
  const [depth = 0, height = depth, width = depth] = sides;
  if ((sides.length === 1 || sides.length === 3) && sides.every((side) => side > 0 && Number.isFinite(side)))
    return [depth, height, width];
  throw new InvalidArgumentError("It must be one number in mm, or three: depth,height,width, such as 3,0.8,0.8.");
}

/** Reads a CT window, `level,width` in Hounsfield units, or `scan-range`. */
export function intensityOf(text: string): "scan-range" | { level: number; width: number } {
  if (text === "scan-range") return text;
  const [level = Number.NaN, width = 0, ...more] = text.split(",").map(Number);
  if (Number.isFinite(level) && width > 0 && Number.isFinite(width) && more.length === 0) return { level, width };
  throw new InvalidArgumentError("It must be level,width in HU, such as 40,400, or scan-range.");
}

/** Reads which part of how many, such as `2/8`. */
export function shardOf(text: string): { index: number; count: number } {
  const [, index = 0, count = 0] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= count && Number.isSafeInteger(count)) return { index, count };
  throw new InvalidArgumentError("It must be a part and the number of parts, counted from 1, such as 1/8 to 8/8.");
}

/** Reads milliliters for all organs, or by organ: `0.5` or `liver=50,spleen=5`. */
export function volumesOf(text: string): number | Record<string, number> {
  const volume = (part: string): number => {
    const value = Number(part);
    if (part.trim() !== "" && Number.isFinite(value) && value >= 0) return value;
    throw new InvalidArgumentError("It must be milliliters, such as 0.5, or by organ, such as liver=50,spleen=5.");
  };
  if (!text.includes("=")) return volume(text);
  return Object.fromEntries(
    nameList(text).map((entry) => {
      const at = entry.lastIndexOf("=");
      return [entry.slice(0, at).trim(), volume(entry.slice(at + 1))];
    }),
  );
}
