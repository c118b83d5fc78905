/** Where a command writes; tests read it. */
export type Terminal = {
  out(line: string): void;
  err(line: string): void;
  /** The whole of standard input, at most 64 KiB. */
  readInput(): Promise<string>;
};

/** 0: done. 1: refused or failed. 2: called wrongly. 3: the relay must not start as things are. */
export type ExitCode = 0 | 1 | 2 | 3;

/** One thing told to a person, or with `--json` to a machine. */
export function tell(
  terminal: Terminal,
  json: boolean,
  value: Readonly<Record<string, unknown>>,
  lines: readonly string[],
): void {
  if (json) terminal.out(JSON.stringify(value));
  else for (const line of lines) terminal.out(line);
}

/** Why a command did not do what it was asked. */
export function tellRefusal(
  terminal: Terminal,
  json: boolean,
  refusal: { readonly reason: string; readonly detail?: string },
  sentence: string,
): void {
  if (json) {
    const { reason: code, detail } = refusal;
    terminal.out(JSON.stringify({ ok: false, code, sentence, ...(detail !== undefined && { detail }) }));
    return;
  }
  terminal.err(`writ-relay: ${sentence}`);
  const { reason, detail = '' } = refusal;
  const code = reason === 'usage' ? '' : reason;
  const rest = [code, detail].filter((part) => part !== '').join(': ');
  if (rest !== '') terminal.err(`  (${rest})`);
}
