import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { dataConvertCommand } from "./data-convert.js";
import { dataExportNnunetCommand } from "./data-export-nnunet.js";
import { dataInspectCommand } from "./data-inspect.js";
import { dataMaskCommand } from "./data-mask.js";
import { dataPlanCommand } from "./data-plan.js";

/** `plseg data …`: the commands on datasets. */
export function dataCommand(): CommandUnknownOpts {
  const command = new Command("data").description(
    "Look into datasets, convert, merge and mask them, and plan their training",
  );
  command.addHelpText("after", "\nExample:\n  plseg data inspect phantoms");
  command.addCommand(dataInspectCommand());
  command.addCommand(dataConvertCommand());
  command.addCommand(dataMaskCommand());
  command.addCommand(dataExportNnunetCommand());
  command.addCommand(dataPlanCommand());
  return command as CommandUnknownOpts;
}
