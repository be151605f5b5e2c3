export { CONEMOS_DEFAULTS, type ConemosConfig, conemos } from "./conemos.js";
export { DODNET_DEFAULTS, type DodnetConfig, dodnet } from "./dodnet.js";
export { type FlatLayout, flatLayout, type PlacedWeight } from "./flat-layout.js";
export { type FlatWeights, flatWeights } from "./flat-weights.js";
export { listWeights, type WeightRecorder, weightRecorder } from "./list-weights.js";
export { PIPO_FAN_DEFAULTS, type PipoFanConfig, pipoFan } from "./pipo-fan.js";
export { PL_SEG_UNET_DEFAULTS, type PlSegUnetConfig, plSegUnet } from "./pl-seg-unet.js";
export {
  readSafetensors,
  type SafetensorsArray,
  type SafetensorsFile,
  type SafetensorsTensor,
  type SafetensorsType,
  writeSafetensors,
} from "./safetensors.js";
export { drawWeights, loadedPermutation, storedPermutation, storedShape, type WeightSpec } from "./weight-spec.js";
