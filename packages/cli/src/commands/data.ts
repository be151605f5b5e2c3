import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { dataInspectCommand } from "./data-inspect.js";
import { dataPlanCommand } from "./data-plan.js";

/** `plseg data …`: the commands on datasets. */
export function dataCommand(): CommandUnknownOpts {
  const command = new Command("data").description("Look into datasets and plan their training");
  command.addHelpText("after", "\nExample:\n  plseg data inspect phantoms");
  command.addCommand(dataInspectCommand());
  command.addCommand(dataPlanCommand());
  return command as CommandUnknownOpts;
}
