import type { BundleManifest } from "./bundle-manifest.js";
import { sha256 } from "./sha256.js";

/**
 * SHA-256 of all that a manifest says but for this hash itself: of its JSON without blanks, fields in the order of the
 * schema, as `readBundleManifest` gives them.
 */
export function manifestHash({ manifestSha256: _, ...rest }: BundleManifest): Promise<string> {
  return sha256(new TextEncoder().encode(JSON.stringify(rest)));
}
