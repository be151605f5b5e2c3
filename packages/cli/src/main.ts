#!/usr/bin/env node
import { runPlseg } from "./program.js";

// whoever reads stdout may have seen enough: `plseg data inspect DIR | head`
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

// a command that a signal stopped has set another code than 0
process.exitCode = (await runPlseg(process.argv.slice(2))) || (process.exitCode ?? 0);
