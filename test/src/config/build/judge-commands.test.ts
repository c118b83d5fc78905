import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTree, smallHome } from '../../../support/repo-fixture.ts';

const yaml = smallHome['apps/web/app.yaml'] as string;
const build = (commands: string) =>
  buildTree(smallHome, { 'apps/web/app.yaml': `${yaml}commands: { ${commands} }\n` });

test('a command runs on the guest, or in a container that a unit of its app makes', async () => {
  const good = await build('a: { exec: [a, b] }, b: { exec: [b], container: web.container, timeout: 2h }');
  assert.deepEqual(good.findings, []);
  assert.ok(good.release !== undefined);
  const { findings } = await build('a: { exec: [a], container: webb.container }');
  assert.deepEqual(
    findings.map(({ code, suggestion }) => [code, suggestion]),
    [['command_container', 'Did you mean web.container?']],
  );
});

test('what no relay would run is told at its place', async () => {
  for (const [commands, says] of [
    ['a: { exec: [] }', /exec/],
    ['a: { exec: [""] }', /must begin with a program/],
    ['a: { exec: ["a\\0"] }', /must not hold NUL/],
    ['a: { exec: [a], timeout: 3h }', /2h at most/],
    ['a: { exec: [a], timeout: 121m }', /2h at most/],
    ['a: { exec: [a], timeout: soon }', /30s, 5m, 2h/],
    ['a: { exec: reboot }', /exec/],
    ['a/b: { exec: [a] }', /./],
  ] as const) {
    const { findings, release } = await build(commands);
    assert.equal(release, undefined, commands);
    assert.match(findings.map(({ message }) => message).join('\n'), says, commands);
  }
});
