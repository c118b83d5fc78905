import { ok, type Result, refuse } from '../../schema/result.ts';
import type { CertificateReport } from '../../schema/wire/report.ts';
import { codeOfReason } from '../actions/release-code.ts';
import type { ActivationCode } from '../deploy/codes.ts';
import {
  bringLeaves,
  isAtRest,
  type LeafTime,
  type LeavesSight,
  leafReports,
  lookAtLeaves,
  removeUnwanted,
} from '../deploy/leaves/bring-leaves.ts';
import type { LeafPort } from '../deploy/leaves/leaf-port.ts';
import { type LeafRecord, leafRecordFileOf } from '../deploy/leaves/leaf-record.ts';
import { type LeafWants, wantsOf } from '../deploy/leaves/leaf-wants.ts';
import { createSystemd } from '../deploy/systemd.ts';
import { readTargetState } from '../deploy/target-state.ts';
import type { Log } from '../log.ts';
import type { Machine } from '../machine/machine.ts';
import type { Authority } from './authority.ts';
import type { Clock } from './clock.ts';
import type { LeafBook } from './leaf-book.ts';

/** Makes the certificates of targets, and renews them in time. */
export type LeafKeeper = {
  /** For activations. */
  readonly port: LeafPort;
  /**
   * Sees to the certificates of a target on which a part is in force: makes what is missing, renews what is due, tells those
   * who use it, and takes away what nobody wants. Nothing is changed while a step is at work there.
   *
   * @returns what reports tell of them
   */
  tend(machine: Machine, part: string): Promise<readonly CertificateReport[]>;
};

export type LeafKeeperDeps = {
  readonly authority: Authority;
  readonly book: LeafBook;
  readonly clock: Pick<Clock, 'now' | 'synchronised'>;
  readonly log: Log;
  /** Keeps steps off a target until the answer is called; null while one is at work there. */
  hold(target: string): (() => void) | null;
};

/** A service that cannot be told this often is down for a reason of its own. */
const mostTries = 5;

export function createLeafKeeper(deps: LeafKeeperDeps): LeafKeeper {
  const { authority, book, clock, log } = deps;
  const open = (wants: LeafWants) =>
    authority.open(
      wants.authority,
      wants.leaves.map(({ cert }) => cert),
    );

  const time = async (): Promise<LeafTime> => ({ now: clock.now(), isSure: await clock.synchronised() });

  const port: LeafPort = {
    knows(target, { part, digest }) {
      // Its digest is that of all that it says; what became another target's was taken out of the book.
      const { length } = wantsOf(part).leaves;
      return length === 0 || book.find(target, digest)?.leaves.length === length;
    },
    async check(machine, { part, digest }) {
      const wants = wantsOf(part);
      const issuer = await open(wants);
      if (!issuer.ok) return issuer;
      const seen = await lookAtLeaves(machine, wants, issuer.value, await time());
      if (!seen.ok) return seen;
      const [foreign] = seen.value.plan.foreign;
      if (foreign !== undefined) return refuse(foreign.why, foreign.path);
      const kept = await book.remember(machine.name, digest, wants);
      return kept ? ok(true) : refuse('authority_key_missing', 'what is wanted could not be written down');
    },
    async bring(machine, { part }, told) {
      const wants = wantsOf(part);
      const issuer = await open(wants);
      if (!issuer.ok) return issuer;
      const seen = await lookAtLeaves(machine, wants, issuer.value, await time());
      if (!seen.ok) return seen;
      const brought = await bringLeaves(machine, seen.value, issuer.value, { told, prune: false });
      return brought.ok ? ok(true) : brought;
    },
    accept: (target, { part, digest }) => book.accept(target, digest, wantsOf(part)),
    async settle(machine, { part }, folders) {
      const wants = wantsOf(part);
      const seen = await lookAtLeaves(machine, wants, null, await time());
      if (!seen.ok) return;
      const { record, plan } = seen.value;
      await removeUnwanted(machine, plan, without(record, plan.unwanted));
      if (folders.length > 0) {
        await machine.change(
          [...folders]
            .sort()
            .reverse()
            .map((path) => ({ do: 'remove', path })),
        );
      }
    },
  };

  /** Tells services of what is new to them, and remembers those that could not be told. */
  const pay = async (
    machine: Machine,
    wants: LeafWants,
    record: LeafRecord,
  ): Promise<Result<LeafRecord, ActivationCode>> => {
    if (record.owed.length === 0) return ok(record);
    const systemd = createSystemd(machine);
    const owed: LeafRecord['owed'] = [];
    // The record is a target's word, and could name any number of others.
    const users = new Set(wants.leaves.flatMap(({ services }) => services));
    const told = new Map(record.owed.map((one) => [one.service, one]));
    for (const one of [...told.values()].filter(({ service }) => users.has(service))) {
      const templates = /@\.[a-z]+$/.test(one.service) ? [one.service] : [];
      const instances = await systemd.instances(templates);
      const services = templates.length === 0 ? [one.service] : instances.ok ? instances.value : [];
      const verb = one.how === 'restart' ? 'try-restart' : 'try-reload-or-restart';
      const done = await systemd.ask(verb, services);
      if (done.ok && instances.ok) continue;
      log.warn('certificate_users_untold', { target: machine.name, service: one.service });
      if (one.failed + 1 < mostTries) owed.push({ ...one, failed: one.failed + 1 });
    }
    const next = { ...record, owed };
    const written = await machine.writeAll([leafRecordFileOf(next)]);
    return written.ok ? ok(next) : written;
  };

  const mend = async (
    machine: Machine,
    part: string,
    wants: LeafWants,
    seen: LeavesSight,
  ): Promise<Result<LeafRecord, ActivationCode>> => {
    const letGo = deps.hold(machine.name);
    if (letGo === null) return ok(seen.record);
    try {
      // A step that was at work until now may have changed all of it.
      const state = await readTargetState(machine);
      if (!state.ok) return state;
      if (state.value.pending !== null || state.value.current !== part) return ok(seen.record);
      const issuer = wants.leaves.length === 0 ? null : await open(wants);
      const isOpen = issuer?.ok === true;
      const again = await lookAtLeaves(machine, wants, isOpen ? issuer.value : null, await time());
      if (!again.ok) return again;
      const { record, plan } = again.value;
      const renewed = plan.leaves.filter(({ how }) => how !== 'keep').map(({ want }) => want);
      let next: Result<LeafRecord, ActivationCode>;
      if (renewed.length === 0) next = await removeUnwanted(machine, plan, without(record, plan.unwanted));
      else if (issuer === null || !issuer.ok) return issuer ?? ok(record);
      else {
        next = await bringLeaves(machine, again.value, issuer.value, { told: new Set(), prune: true });
        if (next.ok) {
          const names = renewed.map(({ app, cert }) => `${app}/${cert.name}`).join(' ');
          log.info('certificates_renewed', { target: machine.name, names });
        }
      }
      return next.ok ? pay(machine, wants, next.value) : next;
    } finally {
      letGo();
    }
  };

  return {
    port,
    async tend(machine, part) {
      const known = book.find(machine.name, part);
      // Of a part that was never ordered here nothing is made, and nothing is taken away.
      if (known === null) return [];
      const issuer = known.leaves.length === 0 ? null : await open(known);
      const seen = await lookAtLeaves(machine, known, issuer?.ok ? issuer.value : null, await time());
      if (!seen.ok)
        return known.leaves.map(({ app, cert }) => ({
          app,
          name: cert.name,
          expires: 0,
          code: codeOfReason(seen.reason),
        }));
      const rests = isAtRest(seen.value);
      const mended = rests ? ok(seen.value.record) : await mend(machine, part, known, seen.value);
      const fault = issuer?.ok === false ? issuer : mended.ok ? null : mended;
      if (fault !== null) {
        const detail = fault.detail ?? null;
        log.warn('certificate_not_made', { target: machine.name, code: fault.reason, detail });
      }
      const record = mended.ok ? mended.value : seen.value.record;
      const untold = new Set(record.owed.map(({ service }) => service));
      return leafReports(known, record, (app, name) => {
        if (fault !== null) return codeOfReason(fault.reason);
        const want = known.leaves.find((one) => one.app === app && one.cert.name === name)!;
        return want.services.some((service) => untold.has(service)) ? 'certificate_users_untold' : undefined;
      });
    },
  };
}

/** The record without files that go. */
const without = (record: LeafRecord, paths: readonly string[]): LeafRecord => ({
  ...record,
  leaves: record.leaves
    .map((leaf) => ({ ...leaf, files: leaf.files.filter(({ path }) => !paths.includes(path)) }))
    .filter(({ files }) => files.length > 0),
});
