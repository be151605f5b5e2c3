// Preloaded in the processes of vitest (see vitest.config.ts), whose worker threads inherit it: there a test's own
// transformation of TypeScript does not reach. Lets a worker thread run from source.

import { register } from "node:module";

register("./typescript-hooks.mjs", import.meta.url);
