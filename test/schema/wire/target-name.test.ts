import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { machineOfTarget, nameSchema, readCommandName, targetNameSchema } from '../../../schema/wire/ids.ts';
import { scopeSchema } from '../../../schema/wire/token.ts';

const longest = `${'a'.repeat(31)}/${'b'.repeat(31)}/${'c'.repeat(31)}`;

test('a target is a name, or the full name of a command of an app', () => {
  for (const name of ['pve2', 'a', 'websvcs/wiki/reindex', 'constructors/wiki/a', longest]) {
    assert.ok(v.is(targetNameSchema, name), name);
    assert.ok(v.is(scopeSchema, `app.command@${name}`), name);
  }
  assert.equal(longest.length, 95);
  for (const name of [
    ...[
      '',
      '/',
      '//',
      'websvcs/',
      '/wiki',
      'websvcs/wiki',
      'websvcs/wiki/',
      'websvcs//reindex',
      '/wiki/reindex',
    ],
    ...['websvcs/wiki/reindex/', 'websvcs/wiki/reindex/now', 'websvcs/../reindex', 'Websvcs/wiki/reindex'],
    ...['constructor', 'constructor/wiki/reindex', 'websvcs/prototype/reindex', 'websvcs/wiki/constructor'],
    ...['websvcs/wiki/reindex\n', 'websvcs/wiki/re index', 'websvcs\\wiki\\reindex', `${longest}c`, 7, null],
  ]) {
    assert.equal(v.is(targetNameSchema, name), false, String(name));
  }
});

test('its parts are names, and put together they are it', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/).filter((text) => v.is(nameSchema, text));
  fc.assert(
    fc.property(name, name, name, (machine, app, command) => {
      const target = `${machine}/${app}/${command}`;
      assert.deepEqual(readCommandName(target), { machine, app, command });
      assert.equal(machineOfTarget(target), machine);
      assert.equal(readCommandName(machine), null);
      assert.equal(machineOfTarget(machine), machine);
    }),
  );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(name, fc.constantFrom('', '..', 'constructor', 'A')), { maxLength: 5 }),
      (parts) => {
        const isOne =
          (parts.length === 1 || parts.length === 3) && parts.every((part) => v.is(nameSchema, part));
        assert.equal(v.is(targetNameSchema, parts.join('/')), isOne);
      },
    ),
  );
});
