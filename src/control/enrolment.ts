import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { parsePayload } from '../../schema/jose/jws.ts';
import { acceptKey } from '../../schema/jose/keys.ts';
import { enrolmentMac, sameMac } from '../../schema/wire/enrolment.ts';
import { enrolmentStatementSchema } from '../../schema/wire/relay-api.ts';
import { refused } from '../domain/errors.ts';
import { principalText } from '../domain/principal.ts';
import type { AuditLog } from './audit-log.ts';
import type { EnrolmentControl } from './control.ts';
import type { ControlDeps } from './deps.ts';
import { readChain } from './trust.ts';
import type { TrustKeeper } from './trust-keeper.ts';

const maxStatementBytes = 48 * 1024;
/** A relay that nobody approved for this long is not listed any more, and its key opens nothing. */
export const pendingForMs = 7 * 24 * 60 * 60_000;

export function createEnrolment(deps: ControlDeps, keeper: TrustKeeper, log: AuditLog): EnrolmentControl {
  const { store, clock } = deps;
  return {
    registerCode: async (grant, { code, relay, controller_key, expires }) => {
      const trust = await keeper.current();
      if (trust === null) return refused('not_set_up', 'Nobody has claimed this control plane yet.');
      if (!Object.hasOwn(trust.document.house.hosts, relay)) {
        return refused('target_unknown', `There is no host ${relay} in the trust document.`);
      }
      const now = clock.now();
      if (expires <= now) return refused('code_expired', 'The code has expired already.');
      const added = await store.enrolments.add(
        { code, relay, controllerKey: controller_key, expires },
        {
          time: now,
          event: 'enrolment.offered',
          principal: principalText(grant.principal),
          facts: { code, relay, expires },
        },
      );
      if (added) {
        log.grew();
        return { ok: true, value: true };
      }
      const known = await store.enrolments.find(code);
      const same =
        known?.relay === relay && known.controllerKey === controller_key && known.expires === expires;
      return same ? { ok: true, value: true } : refused('code_exists', 'That code was registered before.');
    },

    enrol: async (request, proves) => {
      const trust = await keeper.current();
      if (trust === null) return refused('not_set_up', 'Nobody has claimed this control plane yet.');
      const bytes = decodeBase64url(request.statement);
      if (!bytes.ok || bytes.value.length > maxStatementBytes) {
        return refused('enrolment_malformed', 'The statement is not canonical base64url, or is too long.');
      }
      // Which code it claims must be known to verify it; nothing else of it is believed before.
      const statement = parsePayload(bytes.value, enrolmentStatementSchema, maxStatementBytes);
      if (!statement.ok) {
        return refused(
          'enrolment_malformed',
          `The statement is malformed: ${statement.detail ?? statement.reason}.`,
        );
      }
      const said = statement.value;
      const code = await store.enrolments.find(said.code);
      if (code === null) return refused('code_unknown', 'That enrolment code is not known here.');
      const mac = await enrolmentMac(code.controllerKey, bytes.value);
      if (!sameMac(mac, request.controller_mac)) {
        return refused('enrolment_mac', 'The statement was not made with the secret of its code.');
      }
      const now = clock.now();
      if (code.expires <= now) return refused('code_expired', 'That enrolment code has expired.');
      if (said.home !== trust.document.home || said.relay !== code.relay) {
        return refused('code_of_another_relay', 'That enrolment code was made for another relay.');
      }
      const key = await acceptKey(said.jwk);
      if (!key.ok) return refused('key_weak', `The relay's key is not taken: ${key.detail ?? key.reason}.`);
      const proved = await proves(key.value);
      if (!proved.ok) {
        return proved.reason === 'proof_stale'
          ? refused('proof_stale', proved.detail ?? 'The clocks disagree.')
          : refused('proof_invalid', 'The request is not proved by the key that it enrols.');
      }
      const chain = await store.trust.after(0);
      if (!chain.some((version) => version.digest === said.trust)) {
        return refused('trust_unknown', 'The relay was told a trust document that this home never had.');
      }
      const answer = async () => ({ ok: true, value: await readChain(deps, 0) }) as const;
      if (code.used !== null) {
        // The same relay asks again because it did not hear the answer.
        return code.used.kid === key.value.kid && code.used.statement === request.statement
          ? answer()
          : refused('code_used', 'That enrolment code was used already: add the relay anew.');
      }
      if (trust.identities.has(key.value.kid)) {
        return refused('key_known', 'That key is named in the trust document already.');
      }
      const used = await store.enrolments.use(
        said.code,
        {
          kid: key.value.kid,
          jwk: key.value.jwk,
          statement: request.statement,
          ownerMac: request.owner_mac,
          enrolledAt: now,
        },
        {
          time: now,
          event: 'enrolment.received',
          principal: 'stranger',
          facts: { code: said.code, relay: said.relay, kid: key.value.kid },
        },
      );
      if (!used) return refused('code_used', 'That enrolment code was used already: add the relay anew.');
      log.grew();
      return answer();
    },

    pending: async (kid) => {
      const found = await store.enrolments.findByKid(kid);
      if (found?.used == null || clock.now() - found.used.enrolledAt > pendingForMs) return null;
      // It was admitted once, and dismissed since.
      if ((await store.relays.find(kid)) !== null) return null;
      const key = await acceptKey(found.used.jwk);
      return key.ok ? { name: found.relay, key: key.value } : null;
    },
  };
}
