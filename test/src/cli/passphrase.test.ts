import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Context } from '../../../src/cli/command.ts';
import { exits, fail } from '../../../src/cli/outcome.ts';
import { inTries, newPassphrase } from '../../../src/cli/passphrase.ts';

/** A person who answers in this order, and what was said to them. */
function person(...answers: (string | null)[]): { context: Context; said: string[] } {
  const said: string[] = [];
  const terminal = {
    asks: true,
    err: (text: string) => said.push(text),
    ask: (question: string) => {
      said.push(question);
      return Promise.resolve(answers.shift() ?? null);
    },
  };
  return { context: { terminal, progress: { end: () => {} } } as unknown as Context, said };
}

test('a passphrase that is too short, or differs, is asked for again', async () => {
  const { context, said } = person('short', 'long enough words', 'long enough wards', 'right words', 'right');
  const given = await newPassphrase(context, undefined);
  assert.deepEqual([given.ok, !given.ok && given.reason], [false, 'passphrase_short']);
  assert.match(said[0]!, /12 characters or more/);
  assert.match(said.join(''), /at least 12[\s\S]*were not the same/);
  const second = person('short', 'long enough words', 'long enough words');
  assert.deepEqual(await newPassphrase(second.context, undefined), { ok: true, value: 'long enough words' });
});

test('who gives up is not asked again', async () => {
  const { context, said } = person(null, 'long enough words', 'long enough words');
  const given = await newPassphrase(context, undefined);
  assert.equal(!given.ok && given.reason, 'given_up');
  assert.equal(said.length, 1);
});

test('a wrong passphrase is asked for three times, one from a file once, and other faults once', async () => {
  const attempts = async (reason: string, file?: string): Promise<number> => {
    let count = 0;
    const result = await inTries(person().context, file, async () => {
      count += 1;
      return fail(exits.refused, reason, 'No.');
    });
    assert.equal(!result.ok && result.reason, reason);
    return count;
  };
  assert.equal(await attempts('passphrase_wrong'), 3);
  assert.equal(await attempts('passphrase_wrong', '/run/pass'), 1);
  assert.equal(await attempts('no_terminal'), 1);
});
