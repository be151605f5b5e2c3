import { ResourceError } from "@plseg/core";

/**
 * SHA-256 of bytes in lower-case hexadecimal, by Web Crypto.
 *
 * @throws ResourceError where there is no Web Crypto: on web pages that come neither by HTTPS nor from this machine.
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle;
  if (!subtle)
    throw new ResourceError(
      "sha256: this page has no Web Crypto. Serve it by HTTPS, or from localhost while developing.",
    );
  const digest = new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
