/** Facts beside an event: codes, names and numbers. Never a header, a body, a raw URL or a secret. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

export type LogEntry = {
  /** Unix milliseconds. */
  readonly time: number;
  readonly level: 'info' | 'warn' | 'error';
  /** A stable code, such as `request`. */
  readonly event: string;
  readonly fields: LogFields;
};

export type Log = {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
};

/** Hands each event to `write`, with whatever looks like a secret blanked. */
export function createLog(deps: { now(): number; write(entry: LogEntry): void }): Log {
  const at =
    (level: LogEntry['level']) =>
    (event: string, fields: LogFields = {}): void =>
      deps.write({ time: deps.now(), level, event, fields: redactFields(fields) });
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

/** Tokens, proofs and other JWS; codes of setup and enrolment; keys, MACs and secrets of 32 bytes. */
const secretText =
  /eyJ[A-Za-z0-9_.-]{20,}|writ-(?:setup|enrol)\.[A-Za-z0-9_-]+|(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43,}(?![A-Za-z0-9_-])/g;

/** Blanks what looks like a secret: the last line of defence, for texts of errors that others wrote. */
export const redact = (text: string): string => text.replace(secretText, '[redacted]');

const redactFields = (fields: LogFields): LogFields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? redact(value) : value]),
  );

/** As JSON, one line. */
export const formatJsonLine = (entry: LogEntry): string =>
  JSON.stringify({
    time: new Date(entry.time).toISOString(),
    level: entry.level,
    event: entry.event,
    ...entry.fields,
  });
