import { Command, CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { PlsegError } from "@plseg/core";
import { dataCommand } from "./commands/data.js";
import { demoCommand } from "./commands/demo.js";
import { doctorCommand } from "./commands/doctor.js";
import { evaluateCommand } from "./commands/evaluate.js";
import { exportCommand } from "./commands/export.js";
import { importCommand } from "./commands/import.js";
import { phantomCommand } from "./commands/phantom.js";
import { predictCommand } from "./commands/predict.js";
import { reportCommand } from "./commands/report.js";
import { trainCommand } from "./commands/train.js";
import { verifyCommand } from "./commands/verify.js";
import { endInterrupts } from "./stop-on-interrupt.js";
import { endProgress, log, paint } from "./terminal.js";
import { packageVersion } from "./versions.js";

/** The `plseg` command line. Bad usage throws a CommanderError instead of ending the process. */
export function plseg(): CommandUnknownOpts {
  const program = new Command("plseg")
    .description("Segmentation of organs from CT scans in which only some organs are labeled")
    .version(packageVersion("@plseg/cli"))
    .option("--debug", "show where an error comes from (also: PLSEG_DEBUG=1)")
    .addHelpText("after", "\nExample:\n  plseg demo --out demo");
  program.addCommand(demoCommand());
  program.addCommand(phantomCommand());
  program.addCommand(dataCommand());
  program.addCommand(trainCommand());
  program.addCommand(predictCommand());
  program.addCommand(evaluateCommand());
  program.addCommand(exportCommand());
  program.addCommand(importCommand());
  program.addCommand(verifyCommand());
  program.addCommand(reportCommand());
  program.addCommand(doctorCommand());
  return throwing(program);
}

/** Lets a command and all below it throw instead of ending the process. */
function throwing(command: CommandUnknownOpts): CommandUnknownOpts {
  command.exitOverride();
  for (const inner of command.commands) throwing(inner);
  return command;
}

/**
 * Runs a command line and says on stderr what went wrong, if something did.
 *
 * @param args - What follows `plseg`.
 * @returns The exit code: 0 if all went well, 1 if the command failed, 2 if it was called wrongly.
 */
export async function runPlseg(args: readonly string[]): Promise<0 | 1 | 2> {
  try {
    await plseg().parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    endProgress();
    // commander has already said what is wrong
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const debug = args.includes("--debug") || Boolean(process.env.PLSEG_DEBUG);
    log(`${paint("red", "error:", process.stderr)} ${describe(error, debug)}`);
    return error instanceof PlsegError && error.code === "ERR_CONFIG" ? 2 : 1;
  } finally {
    endInterrupts();
  }
}

function describe(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return String(error);
  if (!debug || !error.stack) return error.message || error.name;
  const cause = error.cause === undefined ? "" : `\ncaused by ${describe(error.cause, debug)}`;
  return error.stack.replace(/^\w*Error: /, "") + cause;
}
