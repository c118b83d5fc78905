import { asc, eq, gt } from 'drizzle-orm';
import { enrolment } from '../../schema/db/tables.ts';
import type { PublicJwk } from '../../schema/jose/keys.ts';
import type { Enrolment, EnrolmentStore } from '../domain/ports.ts';
import { noteStatements } from './audit-store.ts';
import type { Database } from './port.ts';
import { attempt, build, select } from './query.ts';

const toRecord = (row: typeof enrolment.$inferSelect): Enrolment => ({
  code: row.code,
  relay: row.relay,
  controllerKey: row.controller_key,
  expires: row.expires,
  used:
    row.kid === null
      ? null
      : {
          kid: row.kid,
          jwk: JSON.parse(row.jwk_json!) as PublicJwk,
          statement: row.statement!,
          ownerMac: row.owner_mac!,
          enrolledAt: row.enrolled_at!,
        },
});

export function enrolmentStore(database: Database): EnrolmentStore {
  const find = async (code: string): Promise<Enrolment | null> => {
    const [row] = await select(database, build.select().from(enrolment).where(eq(enrolment.code, code)));
    return row === undefined ? null : toRecord(row);
  };
  return {
    find,
    findByKid: async (kid) => {
      const [row] = await select(database, build.select().from(enrolment).where(eq(enrolment.kid, kid)));
      return row === undefined ? null : toRecord(row);
    },
    usedSince: async (time) => {
      const query = build
        .select()
        .from(enrolment)
        .where(gt(enrolment.enrolled_at, time))
        .orderBy(asc(enrolment.enrolled_at));
      return (await select(database, query)).map(toRecord);
    },
    add: async ({ code, relay, controllerKey, expires }, note) => {
      const taken = await attempt(
        database,
        [
          build.insert(enrolment).values({ code, relay, controller_key: controllerKey, expires }),
          ...noteStatements([note]),
        ],
        { 'enrolment.code': 'taken' },
      );
      return taken === null;
    },
    use: async (code, used, note) => {
      const taken = await attempt(
        database,
        [
          build
            .update(enrolment)
            .set({
              kid: used.kid,
              jwk_json: JSON.stringify(used.jwk),
              statement: used.statement,
              owner_mac: used.ownerMac,
              enrolled_at: used.enrolledAt,
            })
            .where(eq(enrolment.code, code)),
          ...noteStatements([note]),
        ],
        { code_used: 'taken', 'enrolment.kid': 'taken' },
      );
      return taken === null;
    },
  };
}
