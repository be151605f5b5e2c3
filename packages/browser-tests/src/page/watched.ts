import type * as Ort from "onnxruntime-web";

/** A module of ONNX Runtime. */
export type OrtModule = typeof Ort;

/** ONNX Runtime, and where it left what it computed. */
export interface Watched {
  readonly ort: OrtModule;
  /** By run, the location of each output by name. */
  readonly locations: Readonly<Record<string, string>>[];
}

/** ONNX Runtime that notes where each output of each run is. */
export function watched(ort: OrtModule): Watched {
  const locations: Record<string, string>[] = [];
  const InferenceSession = {
    async create(...given: Parameters<typeof ort.InferenceSession.create>) {
      const session = await ort.InferenceSession.create(...given);
      return {
        async run(feeds: Ort.InferenceSession.FeedsType) {
          const results = await session.run(feeds);
          const where = Object.entries(results).map(([name, { location }]) => [name.replace("next/", ""), location]);
          locations.push(Object.fromEntries(where));
          return results;
        },
        release: () => session.release(),
      };
    },
  };
  return { ort: { ...ort, InferenceSession } as unknown as OrtModule, locations };
}
