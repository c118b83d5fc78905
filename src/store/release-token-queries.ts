import { releaseToken } from '../../schema/db/release-tables.ts';
import type { DeploymentStore } from '../domain/release-ports.ts';
import type { Database } from './port.ts';
import { insertInto, run, select, written } from './query.ts';

export const insertToken = insertInto(releaseToken);

const waiting = `FROM release_token JOIN deployment ON deployment.id = release_token.deployment
  WHERE release_token.time IS NULL AND deployment.ended_at IS NULL`;
const selectWaiting = written<{ readonly token: string }>(
  `SELECT release_token.token AS token ${waiting} AND release_token.expires > ? ORDER BY release_token.deployment`,
);
const selectLapsed = written<{ readonly id: string }>(
  `SELECT deployment.id AS id ${waiting} AND release_token.expires <= ?`,
);
const selectNext = written<{ readonly next: number | null }>(
  `SELECT min(release_token.expires) AS next ${waiting}`,
);
const attest = written('UPDATE release_token SET time = ? WHERE token = ? AND time IS NULL AND expires > ?');

/** What is kept of tokens of GitHub's, for relays that come after they have expired. */
export function releaseTokenQueries(
  database: Database,
): Pick<DeploymentStore, 'tokens' | 'attest' | 'lapsed' | 'nextLapse'> {
  return {
    tokens: async (now) => (await select(database, selectWaiting(now))).map(({ token }) => token),
    attest: async (token, time, after) => {
      await run(database, [attest(time, token, after)]);
    },
    lapsed: async (before) => (await select(database, selectLapsed(before))).map(({ id }) => id),
    nextLapse: async () => (await select(database, selectNext()))[0]?.next ?? null,
  };
}
