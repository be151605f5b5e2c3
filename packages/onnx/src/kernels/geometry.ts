/** One number for each spatial axis. */
type Sizes = readonly number[];

/** The numbers that describe one convolution over any number of spatial axes. */
export interface Geometry {
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly inSize: Sizes;
  readonly outSize: Sizes;
  readonly kernel: Sizes;
  readonly strides: Sizes;
  readonly dilations: Sizes;
  /** Zeros before the first voxel. */
  readonly before: Sizes;
  /** Zeros after the last voxel. */
  readonly after: Sizes;
}
