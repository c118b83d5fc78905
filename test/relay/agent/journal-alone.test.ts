import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JournalEntry } from '../../../relay/agent/journal-format.ts';
import { buildState } from '../../../relay/agent/journal-state.ts';

test('threat 12: what a relay did by itself while its clock was ahead does not keep it from following intents later', () => {
  const digest = `sha256:${'b'.repeat(64)}` as const;
  const aheadMs = 400 * 86_400_000;
  const done = (action: string): JournalEntry => ({
    k: 'step',
    ...{ intent: digest, step: 0, expires: aheadMs, phase: 'ended', action, target: 'websvcs', params: null },
    ...{ at: aheadMs, boot: 'boot-1', receipts: [] },
  });
  for (const [action, forgotten] of [
    ['release.heal', 0],
    ['guest.start', aheadMs],
    // Of another version of this program.
    ['guest.unknown', aheadMs],
  ] as const) {
    const live = buildState([
      { k: 'genesis', v: 1, home: `h_${'0'.repeat(26)}`, relay: 'pve2', kid: 'k'.repeat(43) },
      { k: 'trust', version: 1, digest },
      { k: 'head', seq: 0, hash: digest },
      done(action),
    ])!;
    live.forget(2 * aheadMs);
    assert.deepEqual([live.view.steps.size, live.view.forgotten], [0, forgotten]);
  }
});
