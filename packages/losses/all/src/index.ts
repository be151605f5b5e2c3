export * from "@plseg/loss-cocl";
export * from "@plseg/loss-hadfl";
export * from "@plseg/loss-psd";
