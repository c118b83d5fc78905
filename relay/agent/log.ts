export type LogFacts = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** One line of the relay's log: a stable code and a few facts, never a secret and never text from outside. */
export type Log = (event: string, facts?: LogFacts) => void;
