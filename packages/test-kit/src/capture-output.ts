/** What a command line did. */
export interface CapturedOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs something that ends with an exit code, and catches what it writes to stdout and stderr meanwhile. */
export async function captureOutput(run: () => Promise<number>): Promise<CapturedOutput> {
  const own = { stdout: process.stdout.write, stderr: process.stderr.write };
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    process[name].write = (text: string | Uint8Array) => {
      written[name] += String(text);
      return true;
    };
  try {
    return { code: await run(), ...written };
  } finally {
    process.stdout.write = own.stdout;
    process.stderr.write = own.stderr;
  }
}
