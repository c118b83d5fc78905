// Runs in a guest: act-ask.mjs FILE [STOP-AT]
// Asks the helper as root what FILE (JSON) says, as whichever user runs this, and prints what is heard, a line of JSON.
// STOP-AT is `need`, `staged` or `activated`, with `+MS` after it where it is later: then the helper is killed.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createActClient } from '../../../relay/drivers/act-client.ts';
import type { WatchPath } from '../../../relay/drivers/watch-path.ts';
import { ok, refuse } from '../../../schema/result.ts';
import type { TrustJws } from '../../../schema/wire/relay-api.ts';

export type Asked = {
  readonly ask: 'apply' | 'settle' | 'look';
  readonly target: string;
  /** base64 */
  readonly order?: string;
  readonly authorisation?: string;
  readonly part?: number;
  readonly digest?: string;
  readonly blobs?: Readonly<Record<string, string>>;
  readonly trust?: readonly TrustJws[];
};

const [file, stopAt] = process.argv.slice(2) as [string, string | undefined];
const asked = JSON.parse(readFileSync(file, 'utf8')) as Asked;
const [point, laterMs = '0'] = (stopAt ?? '').split('+');
const reach = (what: string): void => {
  if (what !== point) return;
  const kill = (): void =>
    void execFileSync('systemctl', ['kill', '--kill-whom=main', '-s', 'KILL', 'writ-relay-act.service']);
  if (laterMs === '0') kill();
  else setTimeout(kill, Number(laterMs));
};

const client = createActClient({ trustAfter: async () => asked.trust ?? [] });
const { signal } = new AbortController();
const phases: string[] = [];
const blob = async (digest: string) => {
  reach('need');
  const found = asked.blobs?.[digest];
  return found === undefined ? refuse('blob_missing') : ok(new Uint8Array(Buffer.from(found, 'base64')));
};
const progress = (phase: string): void => {
  phases.push(phase);
  reach(phase);
};
/** The host is reached as before. */
const watchPath: WatchPath = async () => async () => ok(true);
const ask = () => {
  switch (asked.ask) {
    case 'apply': {
      const order = {
        bytes: Buffer.from(asked.order ?? '', 'base64'),
        authorisation: asked.authorisation ?? '',
        part: asked.part ?? 0,
      };
      return client.apply(order, { blob, progress, watchPath, signal });
    }
    case 'settle':
      return client.settle(asked.target, asked.digest ?? '', signal);
    case 'look':
      return client.look(asked.target, signal);
  }
};
console.log(JSON.stringify({ heard: await ask(), phases }));
