export { COCL_DEFAULTS, type CoclOptions, cocl } from "./cocl.js";
