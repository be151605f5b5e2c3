import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { dataInspectCommand } from "./data-inspect.js";

/** `plseg data …`: the commands on datasets. */
export function dataCommand(): CommandUnknownOpts {
  const command = new Command("data").description("Look into datasets");
  command.addHelpText("after", "\nExample:\n  plseg data inspect phantoms");
  command.addCommand(dataInspectCommand());
  return command as CommandUnknownOpts;
}
