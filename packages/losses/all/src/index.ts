export * from "@plseg/loss-cocl";
export * from "@plseg/loss-hadfl";
export * from "@plseg/loss-leaf-dice";
export * from "@plseg/loss-marginal";
export * from "@plseg/loss-multitalent";
export * from "@plseg/loss-psd";
export * from "@plseg/loss-tal";
export * from "@plseg/loss-task";
