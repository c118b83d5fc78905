import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { ok, type Result, refuse } from '../../../schema/result.ts';
import type { CertificateReport } from '../../../schema/wire/report.ts';
import type { Change, Machine, MachineReason, NewFile, Sight } from '../../machine/machine.ts';
import { type LeafIssuer, makeLeafKey } from './leaf-issuer.ts';
import {
  type LeafMade,
  type LeafRecord,
  leafRecordFile,
  leafRecordFileOf,
  maxLeafRecordBytes,
  parseLeafRecord,
} from './leaf-record.ts';
import { filesOfLeaf, type LeafWants } from './leaf-wants.ts';
import { type LeafPlan, type LeavesPlan, pathsOfLeaves, planLeaves } from './plan-leaves.ts';

export type LeavesReason = MachineReason | 'foreign_file' | 'not_a_file';

/** What a target has of the private CA, and what has to be done. */
export type LeavesSight = { readonly record: LeafRecord; readonly plan: LeavesPlan };

/** What the clock says, and whether a time source vouches for it. */
export type LeafTime = { readonly now: number; readonly isSure: boolean };

/** Looks at a target's certificates by one look; nothing is changed. */
export async function lookAtLeaves(
  machine: Machine,
  wants: LeafWants,
  issuer: Pick<LeafIssuer, 'digest' | 'latest'> | null,
  time: LeafTime,
): Promise<Result<LeavesSight, MachineReason>> {
  const paths = pathsOfLeaves(wants);
  const read = [leafRecordFile];
  const seen = await machine.look({ read, maxBytes: maxLeafRecordBytes, paths, owners: [], units: [] });
  if (!seen.ok) return seen;
  const sights = new Map(paths.map((path, index): [string, Sight] => [path, seen.value.paths[index]!]));
  const record = parseLeafRecord(seen.value.read[0]!);
  const until = { ...time, authority: issuer?.digest ?? null, latest: issuer?.latest ?? 0 };
  return ok({ record, plan: planLeaves(wants, record, sights, until) });
}

/** Whether there is nothing to be done. */
export const isAtRest = ({ record, plan }: LeavesSight): boolean =>
  record.owed.length === 0 && plan.unwanted.length === 0 && plan.leaves.every(({ how }) => how === 'keep');

/**
 * Makes and renews what a target lacks. What it will have is written down before, so that whoever comes after a crash knows
 * what is Writ's and whom to tell. A renewal changes one file alone, by one rename: key and certificate always fit.
 *
 * @param told services that start anew anyway
 * @param prune whether what is no longer wanted goes; not while there may be a way back
 */
export async function bringLeaves(
  machine: Machine,
  { record, plan }: LeavesSight,
  issuer: LeafIssuer,
  { told, prune }: { readonly told: ReadonlySet<string>; readonly prune: boolean },
): Promise<Result<LeafRecord, LeavesReason>> {
  const [foreign] = plan.foreign;
  if (foreign !== undefined) return refuse(foreign.why, foreign.path);
  const news: { readonly made: LeafMade; readonly files: readonly NewFile[] }[] = [];
  for (const one of plan.leaves) if (one.how !== 'keep') news.push(await makeLeaf(one, issuer));
  const kept = plan.leaves.flatMap(({ how, made }) => (how === 'keep' ? [made!] : []));
  const changed = plan.leaves.filter(({ how }) => how !== 'keep').map(({ want }) => want);
  const owed = new Map(record.owed.map((one) => [one.service, one]));
  for (const { cert, services } of changed) {
    if (cert.on_change === 'none') continue;
    for (const service of services) {
      if (told.has(service) || owed.get(service)?.how === 'restart') continue;
      owed.set(service, { service, how: cert.on_change, failed: 0 });
    }
  }
  const leaves = [...kept, ...news.map(({ made }) => made)];
  const wanted = new Set(leaves.flatMap(({ files }) => files.map(({ path }) => path)));
  // What still stands there stays in the record until it is gone.
  const before = record.leaves.filter(({ files }) => files.some(({ path }) => !wanted.has(path)));
  const rests = before.map((one) => ({
    ...one,
    app: one.app,
    files: one.files.filter(({ path }) => !wanted.has(path)),
  }));
  const next = { v: 1 as const, leaves: [...leaves, ...rests], owed: [...owed.values()] };
  if (changed.length > 0) {
    const written = await machine.writeAll([leafRecordFileOf(next)]);
    if (!written.ok) return written;
    const put = await machine.writeAll(news.flatMap(({ files }) => files));
    if (!put.ok) return put;
    const listed = listingsOfKeys(plan.leaves);
    const given = listed.length === 0 ? ok(true) : await machine.change(listed);
    if (!given.ok) return given;
  }
  if (!prune) return ok(next);
  return removeUnwanted(machine, plan, { ...next, leaves });
}

/** A key that stays may come to be another user's. */
const listingsOfKeys = (leaves: readonly LeafPlan[]): Change[] =>
  leaves.flatMap(({ how, want: { cert }, made }) => {
    const before = made?.files.find(({ path }) => path === cert.key);
    const stays = how !== 'renew' || (before?.mode === cert.mode && before.owner === cert.owner);
    return stays ? [] : [{ do: 'listing', path: cert.key, mode: cert.mode, owner: cert.owner }];
  });

/** Takes away what Writ made and nobody wants any more. */
export async function removeUnwanted(
  machine: Machine,
  { unwanted }: Pick<LeavesPlan, 'unwanted'>,
  record: LeafRecord,
): Promise<Result<LeafRecord, MachineReason>> {
  if (unwanted.length === 0) return ok(record);
  const removed = await machine.change(unwanted.map((path) => ({ do: 'remove', path })));
  if (!removed.ok) return removed;
  const written = await machine.writeAll([leafRecordFileOf(record)]);
  return written.ok ? ok(record) : written;
}

async function makeLeaf(
  { want, how, made, intact }: LeafPlan,
  issuer: LeafIssuer,
): Promise<{ made: LeafMade; files: NewFile[] }> {
  const fresh = how === 'renew' ? null : makeLeafKey();
  const key = fresh?.key ?? made!.key;
  const leaf = await issuer.issue(want.cert, key);
  const texts = { key: fresh?.pem ?? null, ca: issuer.root, cert: leaf.chain };
  const files: NewFile[] = [];
  const listed: LeafMade['files'] = [];
  for (const { role, path, mode, owner } of filesOfLeaf(want)) {
    const text = texts[role];
    if (text === null) {
      const before = made!.files.find((file) => file.path === path)!;
      listed.push({ ...before, mode, owner });
      continue;
    }
    const bytes = toBytes(text);
    const digest = await digestBytes(bytes);
    const before = made?.files.find((file) => file.path === path);
    if (!intact.has(path) || before?.digest !== digest) files.push({ path, bytes, mode, owner });
    listed.push({ path, digest, mode, owner });
  }
  const { cert, app } = want;
  return {
    made: {
      app,
      name: cert.name,
      kind: cert.kind,
      names: [...cert.names],
      authority: issuer.digest,
      not_before: leaf.notBefore,
      not_after: leaf.notAfter,
      key,
      files: listed,
    },
    files,
  };
}

/** What of them a report tells. */
export const leafReports = (
  wants: LeafWants,
  { leaves }: LeafRecord,
  codeOf: (app: string, name: string) => string | undefined,
): CertificateReport[] =>
  wants.leaves.map(({ app, cert: { name } }) => {
    const code = codeOf(app, name);
    const expires = leaves.find((one) => one.app === app && one.name === name)?.not_after ?? 0;
    return { app, name, expires, ...(code !== undefined && { code }) };
  });
