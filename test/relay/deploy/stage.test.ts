import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Switch } from '../../../relay/deploy/plan-switch.ts';
import { stage, type Wanted } from '../../../relay/deploy/stage.ts';
import { blobPath } from '../../../relay/deploy/target-state.ts';
import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { refuse } from '../../../schema/result.ts';
import { createMemoryMachine } from '../../support/memory-machine.ts';
import { makePart } from '../../support/test-part.ts';

const path = '/etc/opt/notes';
const play = async (found: string) => {
  const machine = createMemoryMachine();
  machine.put(path, found);
  const { part, digest, blobs } = await makePart();
  const wanted: Wanted = { part, digest, bytes: blobs.get(digest)! };
  const keep = [{ path, digest: await digestBytes(toBytes('as it was')), size: found.length }];
  const moves: Switch = { ops: [], undo: [], keep, folders: [], drifted: [], claims: [], claimed: [] };
  const asked: string[] = [];
  const blob = async (one: string) => {
    asked.push(one);
    return refuse('blob_missing', one);
  };
  const done = await stage({ machine, blob }, wanted, moves);
  return { done, asked, kept: machine.text(blobPath(keep[0]!.digest)) };
};

test('what a release replaces is kept on its target, and asked of nobody', async () => {
  const { done, asked, kept } = await play('as it was');
  assert.deepEqual([done, asked, kept], [{ ok: true, value: true }, [], 'as it was']);
});

test('what becomes another file while it is kept is told', async () => {
  const { done } = await play('as it is by now');
  assert.deepEqual(done, { ok: false, reason: 'file_changes', detail: `${path} changes meanwhile` });
});
