declare module "hershey" {
  /** Strokes of a text in Hershey's Roman Simplex: capitals are 21 units high, y runs up, and x is 0 in the middle. */
  export function stringToPaths(text: string): {
    readonly bounds: { readonly minX: number; readonly maxX: number; readonly minY: number; readonly maxY: number };
    readonly paths: readonly (readonly (readonly [x: number, y: number])[])[];
  };
}
