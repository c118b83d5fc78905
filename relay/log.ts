/** Facts beside an event: codes, names and numbers. Never a secret, a header, a body or text from a guest. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

export type LogEntry = {
  /** Unix milliseconds. */
  readonly time: number;
  readonly level: 'info' | 'warn' | 'error';
  /** A stable code, such as `poll_failed`. */
  readonly event: string;
  readonly fields: LogFields;
};

/** One line an event. */
export type Log = {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
};

/** Hands each event to `write`. */
export function createLog(deps: { now(): number; write(entry: LogEntry): void }): Log {
  const at =
    (level: LogEntry['level']) =>
    (event: string, fields: LogFields = {}): void =>
      deps.write({ time: deps.now(), level, event, fields });
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

/** As JSON, for machines. */
export const formatJsonLine = (entry: LogEntry): string =>
  JSON.stringify({
    time: new Date(entry.time).toISOString(),
    level: entry.level,
    event: entry.event,
    ...entry.fields,
  });

/** For people and journald: `warn poll_failed reason=unreachable`. */
export function formatTextLine(entry: LogEntry): string {
  const fields = Object.entries(entry.fields).map(([name, value]) => {
    // Details come from servers too: whatever could start a new line or move the cursor is shown escaped.
    const text = String(value).replace(/[^\x20-\x7e]/g, (char) => JSON.stringify(char).slice(1, -1));
    const plain = text.replace(/[\u007f-\uffff]/g, '?');
    return `${name}=${/^[^\s"=]+$/.test(plain) ? plain : JSON.stringify(plain)}`;
  });
  const level = entry.level === 'info' ? [] : [entry.level];
  return [...level, entry.event, ...fields].join(' ');
}
