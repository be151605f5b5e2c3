export { PSD_DEFAULTS, type PsdOptions, psd } from "./psd.js";
