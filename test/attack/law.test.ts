import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, newIn, since } from './law.ts';
import type { Facts } from './world.ts';

const nothing: Facts = {
  proxmox: [],
  inside: [],
  packet: [],
  program: [],
  decoy: [],
  trust: [],
  listens: [],
  leak: [],
};
const call = (path: string, host = 'pve2', body = '') => ({
  kind: 'proxmox' as const,
  host,
  at: 1,
  path,
  body,
});
const run = (...argv: string[]) => ({
  ...{ kind: 'inside' as const, host: 'pve2', at: 1, vmid: 200, op: 'run' },
  words: ['1000', '1000', '', '1', 'PATH', '/bin', ...argv],
});
const op = (name: string) => ({
  kind: 'inside' as const,
  host: 'pve2',
  at: 1,
  vmid: 200,
  op: name,
  words: [],
});
const whyOf = (facts: Partial<Facts>, before: Record<string, number> = {}): string[] =>
  judge({ ...nothing, ...facts }, before).map(({ why }) => why);

test('what the controller may bring about is no breach', () => {
  const verbs = ['start', 'shutdown', 'suspend', 'resume'];
  const proxmox = verbs.map((verb) => call(`/nodes/pve2/qemu/201/status/${verb}`));
  const inside = [op('look'), op('read'), run('systemctl', 'show', 'x'), run('podman', 'ps', '-a')];
  const start = run('/bin/sh', '-c', '#!/bin/sh\n…', 'writ-secrets', 'identity', 'make');
  assert.deepEqual(whyOf({ proxmox: [...proxmox, call('/nodes/pve1/qemu/100/agent/ping', 'pve1')] }), []);
  assert.deepEqual(whyOf({ inside: [...inside, start] }), []);
});

test('each other thing that is done to a home is a breach', () => {
  for (const one of [
    call('/nodes/pve1/qemu/100/status/start', 'pve1'),
    call('/nodes/pve2/qemu/200/status/shutdown'),
    call('/nodes/pve2/qemu/201/status/stop'),
    call('/nodes/pve2/qemu/201/status/shutdown', 'pve2', 'forceStop=1'),
    call('/nodes/pve2/status', 'pve2', 'command=shutdown'),
    call('/nodes/pve2/qemu/201/config'),
    call('/nodes/pve2/qemu/200/agent/file-write'),
  ]) {
    assert.equal(whyOf({ proxmox: [one] }).length, 1, one.path);
  }
  for (const one of [
    op('files'),
    op('change'),
    op('install'),
    op('exec'),
    run('systemctl', 'start', 'x'),
    run('rm', '/x'),
  ])
    assert.equal(whyOf({ inside: [one] }).length, 1, one.op);
  assert.equal(whyOf({ inside: [run('/bin/sh', '-c', 'reboot')] }).length, 1);
  assert.equal(whyOf({ program: [{ kind: 'program', argv: 'sh -c reboot' }] }).length, 1);
  assert.equal(whyOf({ decoy: [{ kind: 'decoy', line: 'GET /' }] }).length, 1);
  assert.equal(whyOf({ trust: [{ kind: 'trust', host: 'pve1', version: 9 }] }).length, 1);
  assert.equal(whyOf({ listens: [{ kind: 'listens', host: 'pve1', port: 1 }] }).length, 1);
  assert.equal(whyOf({ leak: [{ kind: 'leak', secret: 'abcd…' }] }).length, 1);
});

test('threat 26: what comes more often than the limit is a breach, with what the owner’s phone had ordered before', () => {
  const starts = Array.from({ length: 20 }, (_, at) =>
    call(`/nodes/pve2/qemu/${201 + (at % 3)}/status/start`),
  );
  assert.deepEqual(whyOf({ proxmox: starts }), []);
  assert.equal(whyOf({ proxmox: starts }, { start: 1 }).length, 1);
  const packets = (gapMs: number, count: number) =>
    Array.from({ length: count }, (_, at) => ({ kind: 'packet' as const, at: at * gapMs }));
  assert.deepEqual(whyOf({ packet: packets(5_000, 24) }), []);
  assert.deepEqual(whyOf({ packet: packets(1_000, 6) }), []);
  assert.equal(whyOf({ packet: packets(1_000, 8) }).length, 2);
  assert.equal(whyOf({ packet: packets(5_000, 151) }).length, 1);
});

test('facts that were there before are no news, wherever new ones stand', () => {
  const [one, two] = [call('/nodes/pve1/a', 'pve1'), call('/nodes/pve2/b')];
  assert.deepEqual(since({ ...nothing, proxmox: [two] }, { ...nothing, proxmox: [one, two, two] }).proxmox, [
    one,
    two,
  ]);
  assert.deepEqual(newIn([1, 1, 2], [2, 1, 3, 1, 1]), [3, 1]);
});
