import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import { outcomeOf } from '../../../relay/actions/proxmox-code.ts';
import { codeOfReason } from '../../../relay/actions/release-code.ts';
import { type ActivationCode, activationCodes } from '../../../relay/deploy/codes.ts';
import { failure } from '../../../relay/drivers/proxmox-errors.ts';
import { actingCodes } from '../../../schema/api/acting-codes.ts';
import { codeCard } from '../../../schema/api/codes.ts';
import { codeSchema } from '../../../schema/wire/receipt.ts';

const folder = join(import.meta.dirname, '../../../relay/actions');

/** Codes as the actions' sources write them: in refusals, in outcomes, and in the table of Proxmox's reasons. */
function codesOfSources(): Set<string> {
  const found = new Set<string>();
  for (const file of globSync('*.ts', { cwd: folder })) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const [, code] of text.matchAll(/refuse\(\s*'([a-z_]+)'/g)) found.add(code!);
    for (const [, code] of text.matchAll(/code: '([a-z_]+)'/g)) found.add(code!);
    if (file === 'proxmox-code.ts') {
      for (const [, code] of text.matchAll(/^ {2}[a-z_]+: '([a-z_]+)',$/gm)) found.add(code!);
    }
  }
  return found;
}

describe('the codes of actions', () => {
  it('are each explained', () => {
    const codes = codesOfSources();
    assert.ok(codes.size > 30, `${codes.size} codes found`);
    const unexplained = [...codes].filter(
      (code) => codeCard(code) === undefined && !Object.hasOwn(actingCodes, code),
    );
    assert.deepEqual(unexplained, []);
    for (const code of codes) assert.ok(v.is(codeSchema, code), code);
  });

  it('explain what may stop an activation, too', () => {
    const reasons = Object.keys(activationCodes) as ActivationCode[];
    const unexplained = reasons.filter((reason) => codeCard(codeOfReason(reason)) === undefined);
    assert.deepEqual(unexplained, []);
    assert.deepEqual(
      [codeOfReason('no_space'), codeOfReason('unit_invalid')],
      ['target_disk_full', 'unit_invalid'],
    );
  });

  it('say unknown of an order that may have been carried out, and failed of one that was not', () => {
    const lost = { ok: false, detail: '' } as const;
    assert.partialDeepStrictEqual(outcomeOf({ ...lost, reason: 'tls', sent: true }), { state: 'unknown' });
    assert.partialDeepStrictEqual(outcomeOf({ ...lost, reason: 'tls', sent: false }), { state: 'failed' });
    for (const [status, state] of [
      [500, 'unknown'],
      [501, 'failed'],
    ] as const) {
      assert.equal(outcomeOf({ ...lost, reason: 'server_error', status }).state, state, `HTTP ${status}`);
    }
    for (const [status, state] of [
      [599, 'unknown'],
      [595, 'failed'],
    ] as const) {
      assert.equal(outcomeOf({ ...lost, reason: 'proxy_error', status }).state, state, `HTTP ${status}`);
    }
    assert.equal(outcomeOf(failure('forbidden', '')).state, 'failed');
    assert.equal(outcomeOf({ ...failure('forbidden', ''), upid: 'UPID:x' }).state, 'unknown');
  });
});
