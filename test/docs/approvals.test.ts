import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeCard } from '../../schema/api/codes.ts';
import type { CommandView } from '../../schema/api/orders.ts';
import { approvalWaitMs, maxWaitingOrders } from '../../schema/wire/limits.ts';
import { callOrigin } from '../support/claimed-server.ts';
import { linesOf, startLife } from './life.ts';

const page = 'approvals.md';
const text = readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8');

test('docs/approvals.md: what a phone asks for waits, and is approved and denied by the lines of the page', async (t) => {
  const life = await startLife(t);
  const { desk } = life;
  const [create] = linesOf(page, 'A phone asks') as [string];
  const made = await desk.does(`${create} --json`);
  const { token, notes } = JSON.parse(made.out) as { token: string; notes: string[] };
  assert.match(notes.join(), /waits until you approve it here/);
  const ask = async (): Promise<CommandView> => {
    const headers = { authorization: `Bearer ${token}` };
    const url = '/v1/guests/gaming/stop';
    return (await callOrigin(life.origin, { method: 'POST', url, headers })).json() as CommandView;
  };
  const { id, state, sentence } = await ask();
  assert.equal(state, 'waiting');
  const said = /“(It waits for your approval[^”]+)”/s.exec(text)![1]!.replace(/\s+/g, ' ');
  assert.equal(sentence.replace(id, 'cmd_…').replace(/\d\d:\d\d/, '19:15'), said);

  const [list, approve, deny] = linesOf(page, 'You approve') as [string, string, string];
  assert.match((await desk.does(list)).out, new RegExp(id));
  const of = (line: string): string => line.replace(/cmd_\S+/, id);
  const approved = await desk.does(`${of(approve)} --no-wait`, [[/^Approve\?/, 'y']]);
  assert.match(approved.err, /What you would sign/);
  const other = await ask();
  await desk.does(deny.replace(/cmd_\S+/, other.id));
});

test('docs/approvals.md: its numbers and codes are those of the program', () => {
  assert.match(text, new RegExp(`It waits ${approvalWaitMs / 60_000} minutes\\.`));
  assert.match(text, new RegExp(`\\n- ${maxWaitingOrders} orders of one token may wait\\.`));
  const codes = [...text.matchAll(/`([a-z]+(?:_[a-z]+)+)`|\(`(locked)`\)/g)].map(([, a, b]) => (a ?? b)!);
  assert.ok(codes.length >= 7, codes.join());
  for (const code of codes) assert.ok(codeCard(code) !== undefined, code);
});
