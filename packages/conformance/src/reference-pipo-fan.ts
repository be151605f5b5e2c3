import type { WeightNames } from "./reference-network.js";

/** The residual blocks of the reference, and where they are here. */
const BLOCKS: Readonly<Record<string, string>> = {
  dbconv1: "lateral.2.0",
  dbconv2: "lateral.3.0",
  dbconv3: "lateral.3.1",
  down1: "encoder.1",
  down2: "encoder.2",
  down3: "encoder.3",
  up1: "decoder.2",
  up2: "decoder.1",
  up3: "decoder.0",
  dbup1: "output.3.0",
  dbup2: "output.3.1",
  dbup3: "output.3.2",
  dbup4: "output.2.0",
  dbup5: "output.2.1",
  dbup6: "output.1.0",
};

/** Blocks of the reference whose bridge nothing uses: they have as many channels behind as in front. */
const WITHOUT_BRIDGE = ["down1", "down2", "dbup3", "dbup5", "dbup6"];

const HEADS: Readonly<Record<string, string>> = { outc: "head.0", outc3: "head.1", outc2: "head.2", outc1: "head.3" };

/** Layers of a block or of the attention, of a bridge, of the stem, and of a head. */
const LAYERS: Readonly<Record<string, string>> = { "0": "0.norm", "2": "0", "3": "1.norm", "5": "1" };
const BRIDGE: Readonly<Record<string, string>> = { "0": "skip.norm", "2": "skip" };
const STEM: Readonly<Record<string, string>> = { "0": "0", "1": "1.norm", "3": "1" };
const HEAD: Readonly<Record<string, string>> = { "0": ".norm", "2": "" };

/**
 * Our name of a weight of the reference's PIPO-FAN, whose fused form has it behind `resnet.`.
 *
 * | reference | here |
 * | --- | --- |
 * | `inc.conv.0`, `.1`, `.3` | `stem.0`, `.1.norm`, `.1` |
 * | a block's `….conv.0`, `.2`, `.3`, `.5` | `0.norm`, `0`, `1.norm`, `1`, behind the block's place |
 * | a block's `bridge.conv.0`, `.2` | `skip.norm`, `skip` |
 * | `outc<k>.conv.0`, `.2` | `head.<k>.norm`, `head.<k>` |
 * | `att.conv.0`, `.2`, `.3`, `.5` | `attention.0.norm`, `.0`, `.1.norm`, `.1` |
 */
function ourName(reference: string): string | undefined {
  const [, module = "", path = "", layer = "", field = ""] =
    reference.match(/^(?:resnet\.)?(\w+)\.(?:(\w+)\.)?conv\.(\d)\.(\w+)$/) ?? [];
  if (path === "bridge" && WITHOUT_BRIDGE.includes(module)) return undefined;
  const places: Readonly<Record<string, string>> = {
    inc: `stem.${STEM[layer]}`,
    att: `attention.${LAYERS[layer]}`,
    ...(module in HEADS && { [module]: `${HEADS[module]}${HEAD[layer]}` }),
  };
  const place = places[module] ?? `${BLOCKS[module]}.${path === "bridge" ? BRIDGE[layer] : LAYERS[layer]}`;
  const canceled = field === "bias" && !place.endsWith(".norm") && !place.startsWith("head.");
  return canceled ? undefined : `${place}.${field}`;
}

/**
 * What the reference's biases add to the running means of the batch norms behind them: each is carried on through sums,
 * pooling and resizing, none of which a constant changes, to every batch norm that it reaches.
 */
function foldedBiases(values: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
  const prefix = values.has("att.conv.0.weight") ? "resnet." : "";
  const folded = new Map<string, Float32Array>();
  const bias = (module: string): number[] => {
    const value = values.get(`${module}.bias`);
    if (!value) throw new Error(`foldedBiases: the reference has no bias of ${module}.`);
    return [...value];
  };
  const fold = (norm: string, shift: readonly number[]): void => {
    folded.set(ourName(`${norm}.running_mean`) as string, Float32Array.from(shift));
  };
  const block = (name: string, shift: readonly number[]): number[] => {
    const path = name.startsWith("down") ? "mpconv" : name.startsWith("up") ? "conv" : "conv1";
    const [inner, bridge] = [`${prefix}${name}.${path}.conv`, `${prefix}${name}.bridge.conv`];
    fold(`${inner}.0`, shift);
    fold(`${inner}.3`, bias(`${inner}.2`));
    if (!WITHOUT_BRIDGE.includes(name)) fold(`${bridge}.0`, shift);
    const around = WITHOUT_BRIDGE.includes(name) ? shift : bias(`${bridge}.2`);
    return bias(`${inner}.5`).map((value, channel) => value + (around[channel] as number));
  };

  fold(`${prefix}inc.conv.1`, bias(`${prefix}inc.conv.0`));
  const x1 = bias(`${prefix}inc.conv.3`);
  const x2 = block("down1", [...x1, ...x1]);
  const x3 = block("down2", [...x2, ...block("dbconv1", x1)]);
  const x4 = block("down3", [...x3, ...block("dbconv3", block("dbconv2", x1))]);
  const x5 = block("up1", [...x3, ...x4]);
  const x6 = block("up2", [...x2, ...x5]);
  fold(`${prefix}outc1.conv.0`, block("dbup3", block("dbup2", block("dbup1", x4))));
  fold(`${prefix}outc2.conv.0`, block("dbup5", block("dbup4", x5)));
  fold(`${prefix}outc3.conv.0`, block("dbup6", x6));
  fold(`${prefix}outc.conv.0`, block("up3", [...x1, ...x6]));
  if (prefix) fold("att.conv.3", bias("att.conv.2"));
  return folded;
}

/** How to find the weights of the reference's PIPO-FAN, fused or not, in ours. */
export const pipoFanNames: WeightNames = { ourName, foldedBiases };
