import { closeSync, openSync, readSync } from 'node:fs';
import * as v from 'valibot';
import { type Digest, digestBytes, digestSchema } from '../../schema/jose/digest.ts';
import { homeIdSchema } from '../../schema/wire/ids.ts';
import { maxOrderFileBytes, readOrderFile, type UnsignedOrder } from '../../src/cli/ci/order-file.ts';
import { httpsOrigin } from '../../src/cli/origins.ts';
import { exits, type Failure, fail } from '../../src/cli/outcome.ts';
import type { Runner } from '../runner/runner.ts';

/** What the workflow says of the home, and how long it waits. */
export type Settings = {
  readonly origin: string;
  readonly spki: string | null;
  readonly home: string;
  /** Of a version of the trust document: that one, or what follows it, is believed. */
  readonly trust: Digest;
  readonly file: string;
  /** What the job that built the file says of it. */
  readonly digest: Digest;
  readonly waitMs: number;
};

/** Events at which a branch of the repository itself runs. A pull request's author decides what runs at others. */
const events = ['push', 'workflow_dispatch', 'schedule'];
const usage = (detail: string): Failure => fail(exits.usage, 'usage', `${detail} Nothing was submitted.`);

/** The step's settings; refused where no deployment may come from. */
export function readSettings(runner: Runner): { ok: true; value: Settings } | Failure {
  const event = runner.variable('GITHUB_EVENT_NAME');
  if (!events.includes(event)) {
    return fail(
      exits.refused,
      'event_refused',
      `Nothing is deployed at the event ${event === '' ? '(none)' : event}, but at ${events.join(', ')}. Nothing was submitted.`,
    );
  }
  const input = (name: string): string => runner.input(name);
  const origin = httpsOrigin(input('origin'));
  if (origin === null) return usage('The input origin is no https origin.');
  const [home, trust, digest] = [input('home'), input('trust'), input('digest')];
  if (!v.is(homeIdSchema, home)) return usage('The input home is no id of a home.');
  if (!v.is(digestSchema, trust)) return usage('The input trust is no digest of a trust document.');
  if (!v.is(digestSchema, digest)) return usage('The input digest is no digest of an order file.');
  const spki = input('spki');
  if (spki !== '' && !v.is(digestSchema, spki)) return usage('The input spki is no digest of a key.');
  const minutes = Number(input('minutes') === '' ? '30' : input('minutes'));
  if (!(minutes > 0 && minutes <= 360)) return usage('The input minutes is no number up to 360.');
  const file = input('file');
  if (file === '') return usage('The input file names no order file.');
  return {
    ok: true,
    value: { origin, spki: spki === '' ? null : spki, home, trust, file, digest, waitMs: minutes * 60_000 },
  };
}

/** At most so many bytes of a file, and one more where it has more; null where there is none. */
function readBounded(path: string, most: number): Uint8Array<ArrayBuffer> | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    const bytes = new Uint8Array(most + 1);
    let length = 0;
    for (;;) {
      const read = readSync(descriptor, bytes, length, bytes.length - length, null);
      length += read;
      if (read === 0 || length === bytes.length) return bytes.slice(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** The order that an earlier job built: the very file, for this home, and of this run of this commit. */
export async function readOrder(
  runner: Runner,
  settings: Settings,
): Promise<{ ok: true; value: UnsignedOrder } | Failure> {
  const refused = (reason: string, detail: string): Failure =>
    fail(exits.refused, reason, `${detail} Nothing was submitted, and no token was asked for.`);
  const bytes = readBounded(settings.file, maxOrderFileBytes);
  if (bytes === null) return refused('order_file_missing', `There is no order file ${settings.file}.`);
  const digest = await digestBytes(bytes);
  if (digest !== settings.digest) {
    return refused(
      'order_file_changed',
      `The order file is not the one that the build made: it is ${digest}, and should be ${settings.digest}. Somebody changed it on its way.`,
    );
  }
  const read = await readOrderFile(bytes);
  if (!read.ok) return refused(read.reason, `The order file is none: ${read.detail ?? read.reason}.`);
  const { home, commit, order } = read.value.order;
  if (home !== settings.home) return refused('order_foreign', 'The order is for another home.');
  const run = { id: runner.variable('GITHUB_RUN_ID'), attempt: runner.variable('GITHUB_RUN_ATTEMPT') };
  const sha = runner.variable('GITHUB_SHA');
  if (commit !== sha || String(order.run_id) !== run.id || order.desk !== 0) {
    return refused(
      'order_foreign',
      `The order is of commit ${commit} and run ${order.run_id}, and this is ${sha} and run ${run.id}.`,
    );
  }
  if (String(order.run_attempt) !== run.attempt) {
    return refused(
      'order_of_other_attempt',
      `The order was built by attempt ${order.run_attempt} of this run, and this is attempt ${run.attempt}: its token would not fit. Choose “Re-run all jobs”, so that one attempt builds and deploys.`,
    );
  }
  return read;
}
