import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeCard } from '../../schema/api/codes.ts';
import type { CommandView } from '../../schema/api/orders.ts';
import { approvalWaitMs, maxWaitingOrders } from '../../schema/wire/limits.ts';
import { callOrigin } from '../support/claimed-server.ts';
import { startDeployHome } from '../support/deploy-home.ts';
import { linesOf } from './life.ts';

const page = 'approvals.md';
const text = readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8');

test('docs/approvals.md: what a phone asks for waits, and is approved and denied by the lines of the page', async (t) => {
  const home = await startDeployHome(t, { tower: 'off' });
  const desk = async (line: string, ...more: string[]) => {
    const ran = await home.writ([...line.split(' ').slice(1), ...more], { answers: ['y'] });
    assert.equal(ran.exit, 0, `${line}: ${ran.err}`);
    return ran;
  };
  const [create] = linesOf(page, 'A phone asks') as [string];
  const { token, notes } = JSON.parse((await desk(create, '--json')).out) as {
    token: string;
    notes: string[];
  };
  assert.match(notes.join(), /waits until you approve it here/);
  const ask = async (): Promise<CommandView> => {
    const headers = { authorization: `Bearer ${token}` };
    const url = '/v1/guests/gaming/stop';
    const answer = await callOrigin(home.server.origin, { method: 'POST', url, headers });
    return answer.json() as CommandView;
  };
  const { id, state, sentence } = await ask();
  assert.equal(state, 'waiting');
  const said = /“(It waits\s+for your\s+approval[^”]+)”/.exec(text)![1]!.replace(/\s+/g, ' ');
  assert.equal(sentence.replace(id, 'cmd_…').replace(/\d\d:\d\d/, '19:15'), said);

  const [list, approve, deny] = linesOf(page, 'You approve') as [string, string, string];
  assert.match((await desk(list)).out, new RegExp(id));
  const approved = await desk(approve.replace(/cmd_\S+/, id));
  assert.match(approved.err, /What you would sign/);
  assert.match(approved.out, /Verified against the receipts of its relays\./);
  const other = await ask();
  assert.notEqual(other.id, id);
  await desk(deny.replace(/cmd_\S+/, other.id));
});

test('docs/approvals.md: its numbers and codes are those of the program', () => {
  assert.match(text, new RegExp(`It waits ${approvalWaitMs / 60_000} minutes\\.`));
  assert.match(text, new RegExp(`\\n- ${maxWaitingOrders} orders of one token may wait\\.`));
  const codes = [...text.matchAll(/`([a-z]+(?:_[a-z]+)+)`|\(`(locked)`\)/g)].map(([, a, b]) => (a ?? b)!);
  assert.ok(codes.length >= 7, codes.join());
  for (const code of codes) assert.ok(codeCard(code) !== undefined, code);
});
