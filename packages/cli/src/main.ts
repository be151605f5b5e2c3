#!/usr/bin/env node
import { runPlseg } from "./program.js";

// whoever reads stdout may have seen enough: `plseg data inspect DIR | head`
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

process.exitCode = await runPlseg(process.argv.slice(2));
