import { type Browser, chromium } from "playwright-core";
import { findBrowser } from "./find-browser.js";

/** What keeps Chromium from calling home, and lets {@link INSECURE_HOST} be this machine. */
const ALWAYS = [
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP plseg.test 127.0.0.1",
];

/** With the first, there is an adapter without a GPU; without the others its process breaks down now and then. */
const SOFTWARE_WEBGPU = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
  "--use-vulkan=swiftshader",
  "--use-angle=swiftshader",
  "--ignore-gpu-blocklist",
];

/** A name of this machine from which browsers trust no page, unlike 127.0.0.1. */
export const INSECURE_HOST = "plseg.test";

/**
 * Starts a browser without a window.
 *
 * @param webgpu - Whether it has a WebGPU adapter, which computes in software.
 */
export function openBrowser({ webgpu }: { readonly webgpu: boolean }): Promise<Browser> {
  const executablePath = findBrowser();
  if (!executablePath) throw new Error("openBrowser: there is no browser.");
  return chromium.launch({ executablePath, args: webgpu ? [...ALWAYS, ...SOFTWARE_WEBGPU] : ALWAYS });
}
