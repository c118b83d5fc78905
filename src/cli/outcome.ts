import type { Problem } from '../../schema/api/problem.ts';

/** What `writ` exits with; `writ help` lists them. */
export const exits = {
  ok: 0,
  /** It was tried and did not succeed. */
  failed: 1,
  /** The command line, a code or a file is not as it must be; nothing was tried. */
  usage: 2,
  /** Somebody said no: the API, a relay, or a check of this program. */
  refused: 3,
  /** The control plane could not be reached, or is not the one that was pinned. */
  unreachable: 4,
  /** It is under way, and its end cannot be confirmed yet. */
  unconfirmed: 5,
} as const;
export type Exit = (typeof exits)[keyof typeof exits];

/** An expected end of a command that did not do what was asked. `detail` is one or more whole sentences. */
export type Failure = {
  readonly ok: false;
  readonly exit: Exit;
  /** A stable snake_case code; the API's own where it said no. */
  readonly reason: string;
  readonly detail: string;
  readonly problem?: Problem;
};

/** What a command has to say: as text for people, as a value for `--json`. */
export type Done = {
  readonly ok: true;
  /** Not 0 where the outcome itself is bad news that was told truly. */
  readonly exit?: Exit;
  readonly text: string;
  /** Words of the text that a terminal shows in bold. */
  readonly bold?: readonly string[];
  readonly json: unknown;
};

export const fail = (exit: Exit, reason: string, detail: string): Failure => ({
  ok: false,
  exit,
  reason,
  detail,
});

export const done = (text: string, json: unknown, exit: Exit = exits.ok): Done => ({
  ok: true,
  exit,
  text,
  json,
});
