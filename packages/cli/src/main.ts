#!/usr/bin/env node
import { runPlseg } from "./program.js";

process.exitCode = await runPlseg(process.argv.slice(2));
