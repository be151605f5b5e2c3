import { withDefaults } from "@plseg/core";
import { PL_SEG_UNET_DEFAULTS, type PlSegUnetConfig } from "./pl-seg-unet.js";

/** A weight of the reference's U-Net and the place of it in ours. */
export interface ReferenceWeight {
  /** In the reference's state dict. */
  readonly name: string;
  /** As it is stored, there and here. */
  readonly shape: readonly number[];
  /** In `plSegUnet`. A bias that the batch norm behind it cancels has none: it is subtracted from that norm's running mean. */
  readonly ours: { readonly weight: string } | { readonly subtractFrom: string };
}

/**
 * The state of the reference implementation's U-Net (`UNet3D_ProgCon`, or `UNet3D` without deep supervision), counters of
 * batches left out, and what each weight is in {@link plSegUnet}.
 *
 * | reference | here |
 * | --- | --- |
 * | `in_conv`, `down<k>.maxpool_conv.1` | `encoder.0`, `encoder.<k>` |
 * | `up<k>.conv` | `decoder.<4 − k>` |
 * | `….conv_conv.0`, `.1`, `.4`, `.5` | `….0`, `.0.norm`, `.1`, `.1.norm` |
 * | `up<k>.conv1x1`, or `up<k>.up` of a transposed convolution | `decoder.<4 − k>.up` |
 * | `dsv1`, `dsv<k>.dsv`, or `out_conv` | `head.0`, `head.<k − 1>`, `head.0` |
 *
 * @see https://github.com/HiLab-git/PLS4MIS
 */
export function referenceUnetState(config: PlSegUnetConfig): ReferenceWeight[] {
  const options = withDefaults<Omit<PlSegUnetConfig, "classes">>(PL_SEG_UNET_DEFAULTS, config);
  const { inChannels, features, deepSupervision, upsample } = options;
  const decoded = [...features.entries()].slice(0, -1).reverse();
  return [
    ...features.flatMap((width, level) => {
      const prefix = level === 0 ? "in_conv" : `down${level}.maxpool_conv.1`;
      return block(prefix, `encoder.${level}`, features[level - 1] ?? inChannels, width);
    }),
    ...decoded.flatMap(([level, width]) => {
      const [prefix, ours, below] = [`up${LAST_UP - level}`, `decoder.${level}`, features[level + 1] as number];
      const learned = upsample === "deconv";
      return [
        place(
          learned ? `${prefix}.up` : `${prefix}.conv1x1`,
          `${ours}.up`,
          "weight",
          learned ? [below, width, 2, 2, 2] : [width, below, 1, 1, 1],
        ),
        place(learned ? `${prefix}.up` : `${prefix}.conv1x1`, `${ours}.up`, "bias", [width]),
        ...block(`${prefix}.conv`, ours, 2 * width, width),
      ];
    }),
    ...heads(deepSupervision).flatMap(([prefix, scale]) => [
      place(prefix, `head.${scale}`, "weight", [config.classes, features[scale] as number, 1, 1, 1]),
      place(prefix, `head.${scale}`, "bias", [config.classes]),
    ]),
  ];
}

/** The reference counts the steps up so that the last, to full resolution, is always this one. */
const LAST_UP = 4;

const heads = (deepSupervision: boolean): (readonly [prefix: string, scale: number])[] =>
  deepSupervision
    ? [
        ["dsv4.dsv", 3],
        ["dsv3.dsv", 2],
        ["dsv2.dsv", 1],
        ["dsv1", 0],
      ]
    : [["out_conv", 0]];

const place = (prefix: string, ours: string, leaf: string, shape: readonly number[]): ReferenceWeight => {
  return { name: `${prefix}.${leaf}`, shape, ours: { weight: `${ours}.${leaf}` } };
};

/** Two convolutions with their batch norms. */
function block(prefix: string, ours: string, from: number, to: number): ReferenceWeight[] {
  return [0, 1].flatMap((layer) => {
    const convolution = `${prefix}.conv_conv.${4 * layer}`;
    const norm = `${prefix}.conv_conv.${4 * layer + 1}`;
    return [
      place(convolution, `${ours}.${layer}`, "weight", [to, layer === 0 ? from : to, 3, 3, 3]),
      { name: `${convolution}.bias`, shape: [to], ours: { subtractFrom: `${ours}.${layer}.norm.running_mean` } },
      ...["weight", "bias", "running_mean", "running_var"].map((leaf) =>
        place(norm, `${ours}.${layer}.norm`, leaf, [to]),
      ),
    ];
  });
}
