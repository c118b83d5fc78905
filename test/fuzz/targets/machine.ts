import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import * as v from 'valibot';
import { decodeJournal } from '../../../relay/agent/journal-format.ts';
import { parseLeafRecord } from '../../../relay/deploy/leaves/leaf-record.ts';
import { parseTargetState, readKeptPart } from '../../../relay/deploy/target-state.ts';
import { actAnswerSchema, actRequestSchema } from '../../../relay/drivers/act-messages.ts';
import { createFrameLink } from '../../../relay/drivers/frame-link.ts';
import type { HttpsClient } from '../../../relay/drivers/https-client.ts';
import { createProxmox } from '../../../relay/drivers/proxmox.ts';
import { readAccess, readTokenSecret } from '../../../relay/drivers/pveum.ts';
import { messageBytes, readMessage, readStructs, readValue } from '../../../relay/machine/dbus.ts';
import type { Machine } from '../../../relay/machine/machine.ts';
import { readAnswer, readOwner, readRan, readStat, readUnit } from '../../../relay/machine/remote-answer.ts';
import { createRemoteMachine } from '../../../relay/machine/remote-machine.ts';
import { digestBytes } from '../../../schema/jose/digest.ts';
import { ok, refuse } from '../../../schema/result.ts';
import { judgePart } from '../../../schema/trust/judge-part.ts';
import { makeWorld } from '../../adversary/world.ts';
import { makePart } from '../../support/test-part.ts';
import { declared, type Target, textOf } from '../target.ts';

const codes = [200, 200, 200, 200, 400, 403, 500, 596, 599, 204, 302];

const proxmox: Target = {
  name: 'proxmox',
  covers: [
    'relay/drivers/proxmox.ts:createProxmox',
    'relay/drivers/pveum.ts:readAccess',
    'relay/drivers/pveum.ts:readTokenSecret',
  ],
  words: [
    'running',
    'stopped',
    'exitstatus',
    'UPID:pve2:00000001:00000002:00000003:qmstart:102:writ@pve!relay:',
  ],
  corpus: () => [
    '0{"data":[{"vmid":102,"name":"gaming","status":"running","uptime":"12","template":""},{"vmid":"103","status":"stopped"}]}',
    '0{"data":{"status":"running","qmpstatus":"running","vmid":102,"agent":1,"name":"gaming"}}',
    '0{"data":{"smbios1":"uuid=1f0e2d3c-4b5a-4697-8877-665544332211,base64=1","rootfs":"local-zfs:subvol-201-disk-0,size=8G"}}',
    '0{"data":"UPID:pve2:00000001:00000002:00000003:qmstart:102:writ@pve!relay:"}',
    '0{"data":{"status":"stopped","exitstatus":"OK"}}',
    '0{"data":{"status":"stopped","exitstatus":"VM is locked (backup)"}}',
    '0{"data":{"result":[{"user":"ann","domain":"DEVTOP"}]}}',
    '0{"data":{"result":{"error":{"desc":"no"}}}}',
    '0{"data":{"pid":12}}',
    '0{"data":{"exited":1,"exitcode":0,"out-data":"4b00","err-data":""}}',
    '0{"data":{"uptime":5,"pveversion":"pve-manager/8","cpu":0.1,"loadavg":["0.1",0.2,"3"],"memory":{"total":5,"used":1},"current-kernel":{"release":"6.8"}}}',
    '4{"data":null,"message":"Parameter verification failed.","errors":{"vmid":"no"}}',
    '5{"message":"Permission check failed (/vms/102, VM.PowerMgmt)","data":null}',
    '6{"data":null,"message":"VM 102 already running\\n"}',
    '7<html>',
    '[{"roleid":"Writ","privs":"VM.Audit,VM.PowerMgmt","userid":"writ@pve","tokenid":"relay","privsep":1,"path":"/","type":"token","ugid":"writ@pve!relay","propagate":"1","value":"6f1c2a4e-9d0b-4c1e-8a57-000000000001"}]',
    '{"value":"6f1c2a4e-9d0b-4c1e-8a57-000000000001"}',
  ],
  open() {
    let body = Buffer.alloc(0);
    let status = 200;
    const client: HttpsClient = {
      request: async () => ({ ok: true, status, statusText: 'told', headers: {}, body }),
      close: () => undefined,
    };
    let now = 0;
    const clock = {
      monotonicMs: () => now,
      sleep: async (ms: number) => {
        now += Math.max(ms, 1_000);
      },
    };
    const node = createProxmox({
      ...{ client, clock, node: 'pve2', baseUrl: 'https://127.0.0.1:8006' },
      token: 'writ@pve!relay=6f1c2a4e-9d0b-4c1e-8a57-000000000001',
    });
    const vm = { kind: 'qemu', vmid: 102 } as const;
    const container = { kind: 'lxc', vmid: 201 } as const;
    return async (input) => {
      status = codes[(input[0] ?? 0) % codes.length]!;
      body = Buffer.from(input.subarray(1));
      const exec = node.agentExec(vm);
      const answers = [
        await node.listGuests(),
        await node.guestStatus(vm),
        await node.guestIdentity(vm),
        await node.guestIdentity(container),
        await node.start(vm),
        await node.agentPing(vm),
        await node.agentUsers(vm),
        await node.nodeStatus(),
        await node.nodeShutdown(),
        await exec.run(['/bin/true'], { stdin: '', timeoutMs: 5_000 }),
        await readAccess(async () => ok(textOf(input)), 'writ@pve'),
        readTokenSecret(textOf(input)),
      ];
      return answers.find((answer) => !answer.ok && !/^[a-z_]+$/.test(answer.reason)) ?? null;
    };
  },
};

/** An answer of the program that runs on a guest, as its bytes. */
const answer = (kind: string, fields: readonly string[], rest = ''): string =>
  `${[kind, String(fields.length), ...fields].join('\0')}\0${rest}`;

const guestAgent: Target = {
  name: 'guest-agent',
  covers: [
    'relay/machine/remote-machine.ts:createRemoteMachine',
    'relay/machine/remote-answer.ts:readAnswer',
    'relay/machine/remote-answer.ts:readRan',
    'relay/machine/remote-answer.ts:readStat',
    'relay/machine/remote-answer.ts:readOwner',
    'relay/machine/remote-answer.ts:readUnit',
  ],
  words: [
    'LoadState=loaded',
    'ActiveState=active',
    'file 0644 0 0 12',
    'folder 0755 0 0 0',
    'link 0777 0 0 4 /x',
    'ENOENT',
  ],
  corpus: () => [
    answer('K', [], 'bytes'),
    answer('K', ['0', '3'], 'outerr'),
    answer('K', ['a', 'b', 'c']),
    answer('K', ['file 0644 0 0 12', 'a'.repeat(64), '', '']),
    answer('K', ['0 0', '']),
    answer(
      'K',
      [
        '1',
        '4',
        'file 0644 0 0 5',
        'a'.repeat(64),
        '0 0',
        'LoadState=loaded\nActiveState=active\nType=oneshot\nResult=success',
      ],
      'read',
    ),
    answer('E', ['ENOENT', '/etc/x']),
    'LoadState=loaded\nActiveState=inactive\nType=oneshot\nResult=success\n',
  ],
  open() {
    let said = '';
    let code = 0;
    const machine = createRemoteMachine('websvcs', {
      maxStdin: 64 * 1024,
      maxStdout: 64 * 1024,
      run: async () => ok({ code, stdout: said, stderr: '' }),
    });
    const how = { mode: '0644', owner: 'root:root' };
    return async (input) => {
      const text = textOf(input);
      const read = readAnswer(text);
      for (const one of [text, ...text.split('\0').slice(0, 8)]) {
        readStat(one);
        readOwner(one);
        readUnit('a.service', one);
      }
      for (const stdout of [Buffer.from(input).toString('hex'), text]) {
        said = stdout;
        code = stdout === text ? (input[0] ?? 0) % 3 : 0;
        const parsed = readAnswer(stdout);
        if (parsed.ok) readRan(parsed.value);
        const at = {
          read: ['/etc/a'],
          maxBytes: 1000,
          paths: ['/etc/b'],
          owners: ['root:root'],
          units: ['a.service'],
        };
        const answers = [
          await machine.run(['true'], { timeoutMs: 1000, maxBytes: 1000 }),
          await machine.read('/etc/a', 10_000),
          await machine.write('/etc/a', new Uint8Array(3), how),
          await machine.list('/etc', 100),
          await machine.stat(['/etc/a', '/etc/b']),
          await machine.findOwners(['root:root']),
          await machine.digest(['/etc/a']),
          await machine.look(at),
          await machine.change([{ do: 'remove', path: '/etc/a' }]),
        ];
        const wrong = answers.find((one) => !one.ok && !/^[a-z_]+$/.test(one.reason));
        if (wrong !== undefined) return wrong;
      }
      return read;
    };
  },
};

const dbus: Target = {
  name: 'dbus',
  covers: [
    'relay/machine/dbus.ts:messageBytes',
    'relay/machine/dbus.ts:readMessage',
    'relay/machine/dbus.ts:readStructs',
    'relay/machine/dbus.ts:readValue',
  ],
  maxBytes: 8_000,
  corpus() {
    const message = Buffer.alloc(80);
    message.set([0x6c, 2, 0, 1]);
    message.writeUInt32LE(16, 4);
    message.writeUInt32LE(1, 8);
    message.writeUInt32LE(24, 12);
    message.set([5, 1, 0x75, 0, 7, 0, 0, 0, 8, 1, 0x67, 0, 1, 0x73, 0, 0], 16);
    const text = Buffer.from('\u0005\0\0\0hello\0\0\0');
    const rows = Buffer.from('\u0010\0\0\0\0\0\0\0\u0001\0\0\0a\0\0\0\u0001\0\0\0b\0\0\0');
    return [message, text, rows];
  },
  open: () => (input) => {
    // Its contract: what is no message of the bus ends the connection by an error.
    const isDeclared = ({ message }: Error): boolean =>
      /cut short|not little endian|is not read|too deep|too large/.test(message);
    for (const read of [
      () => messageBytes(input),
      () => readMessage(input),
      () => readStructs(input, 'ssou'),
      () => readValue(input, 'v'),
      () => readValue(input, 's'),
    ]) {
      declared(read, isDeclared);
    }
    return null;
  },
};

const ownFiles: Target = {
  name: 'state-files',
  covers: [
    'relay/agent/journal-format.ts:decodeJournal',
    'relay/deploy/target-state.ts:parseTargetState',
    'relay/deploy/target-state.ts:readKeptPart',
    'relay/deploy/leaves/leaf-record.ts:parseLeafRecord',
    'schema/trust/judge-part.ts:judgePart',
  ],
  async corpus() {
    const { disk } = await makeWorld();
    const { digest, blobs } = await makePart({ files: { '/etc/opt/web/a': 'text' } });
    const state = { v: 1, current: null, kept: [], quarantined: [], folders: ['/etc/opt'], pending: null };
    return [...disk.files.values(), blobs.get(digest)!, JSON.stringify(state), '{"v":1,"leaves":[]}'];
  },
  open: () => async (input) => {
    decodeJournal(input);
    parseLeafRecord(input);
    const machine = { name: 'websvcs', read: async () => ok(input) } as unknown as Machine;
    const part = await readKeptPart(machine, await digestBytes(input));
    if (part.ok) {
      judgePart(['/**'], part.value);
      judgePart(['/etc/containers/systemd/*', '/etc/opt/**'], part.value);
    }
    return parseTargetState(machine, input);
  },
};

/** One end of a socket on which the input comes. */
const socketOf = (input: Uint8Array): Socket => {
  const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  socket.push(input);
  socket.push(null);
  return socket as unknown as Socket;
};

const frame = (kind: string, body: string): Buffer => {
  const head = Buffer.alloc(5);
  head.write(kind);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, Buffer.from(body)]);
};

const helper: Target = {
  name: 'helper-frames',
  covers: ['relay/drivers/frame-link.ts:createFrameLink', 'relay/drivers/act-messages.ts:actRequestSchema'],
  words: ['apply', 'look', 'settle', 'need', 'confirm', 'phase', 'end', 'seen', 'refused', 'hello'],
  corpus: () => [
    frame('J', '{"k":"look","trust":[],"target":"websvcs"}'),
    frame('J', `{"k":"settle","trust":[],"target":"websvcs","order":"sha256:${'a'.repeat(64)}"}`),
    frame('J', '{"k":"apply","trust":[],"order":"e30","authorisation":"a.b.c","part":0}'),
    Buffer.concat([
      frame('J', '{"k":"hello","v":1,"trust":1}'),
      frame('B', 'bytes'),
      frame('J', '{"k":"refused","code":"no"}'),
    ]),
    frame('J', '{"k":"end","outcome":{"state":"refused","code":"no"}}'),
  ],
  open: () => async (input) => {
    const link = createFrameLink(socketOf(input));
    for (;;) {
      const next = await link.next(1_000, { json: 60_000, bytes: 60_000 });
      if (!next.ok) return next.reason === 'timeout' ? refuse('timeout_where all has come') : next;
      if (next.value.kind !== 'json') continue;
      v.safeParse(actRequestSchema, next.value.value);
      v.safeParse(actAnswerSchema, next.value.value);
    }
  },
};

export const machineTargets: readonly Target[] = [proxmox, guestAgent, dbus, ownFiles, helper];
