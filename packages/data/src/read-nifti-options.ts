/** Options of `readNifti` and `readLabelNifti`. */
export interface ReadNiftiOptions {
  /** What error messages call the file. */
  readonly name?: string;
  /** A header that claims more voxels than this is refused before anything is allocated. */
  readonly maxVoxels?: number;
  /** Called with what is odd about the file but does not keep it from being read. */
  readonly onWarning?: (message: string) => void;
}

/** 2²⁹ voxels are 2 GiB as float32: 512×512×2048. Warnings go nowhere. */
export const READ_NIFTI_DEFAULTS: Required<ReadNiftiOptions> = {
  name: "NIfTI file",
  maxVoxels: 2 ** 29,
  onWarning: () => {},
};
