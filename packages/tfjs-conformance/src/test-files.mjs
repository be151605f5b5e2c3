/**
 * Test files of tfjs-core that hold no operations, and why they are not loaded.
 *
 * @type {readonly { readonly reason: string, readonly path: RegExp }[]}
 */
export const FILES_LEFT_OUT = [
  { reason: "loading and saving of models", path: /\/io\// },
  {
    reason: "tfjs' own settings, platforms and test tools",
    path: /platform|device_util|jasmine_util|flags_test|environment_test|worker/,
  },
  { reason: "pictures of a browser", path: /browser_util|from_pixels/ },
];
