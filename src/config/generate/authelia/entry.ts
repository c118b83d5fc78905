import type { HomeAccess, Route } from '../../home.ts';

export type Native = Readonly<Record<string, unknown>>;

/** Names of a route with who may pass them, in the order in which the proxies try them. */
export type Entry = {
  readonly route: Route;
  readonly hosts: readonly string[];
  readonly priority: number;
  readonly verdict: Verdict;
  /** The conditions that Authelia sees. */
  readonly seen: Native;
  /** Whether there are others, which it does not see. */
  readonly hidden: boolean;
};

/** Who may pass; `text` tells two apart. */
export type Verdict = {
  readonly policy: HomeAccess['policy'];
  readonly subject: readonly (readonly string[])[];
  readonly networks: readonly string[];
  readonly text: string;
};
