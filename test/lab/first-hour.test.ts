import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { programVersion } from '../../schema/version.ts';
import { makeCertificate } from '../../src/node/certificate.ts';
import { shellLines } from '../support/doc-lines.ts';
import type { Conversation, Guest } from '../support/lab/guest.ts';
import { type LabHome, makeLabHome } from '../support/lab/home.ts';
import { addresses, towerMac } from '../support/lab/network.ts';
import { installProxmoxStandIn } from '../support/lab/pve.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { missing } from '../support/missing.ts';
import type { GuestSpec } from '../support/proxmox/options.ts';

const root = join(import.meta.dirname, '../..');
const passphrase = 'correct horse battery staple';

const uuid = (vmid: number): string => `00000000-0000-4000-8000-${String(vmid).padStart(12, '0')}`;
const guest = (vmid: number, name: string, more: Partial<GuestSpec> = {}): GuestSpec => ({
  vmid,
  kind: 'qemu',
  name,
  uuid: uuid(vmid),
  agent: { enabled: true, answersAfterMs: 100 },
  ...more,
});
const onPve1 = [guest(100, 'router'), guest(101, 'secsvcs'), guest(102, 'homesvcs')];
const onPve2 = [200, 201, 202, 203].map((vmid, index) =>
  guest(vmid, ['websvcs', 'gaming', 'devtop', 'macos'][index]!),
);

/** What a person types, and answers. */
type Hand = { typed: string[]; answered: string[] };

/** Types a line at a machine's shell, and answers what it asks. */
async function type(
  hand: Hand,
  machine: Guest,
  line: string,
  answers: readonly (readonly [asked: RegExp, answer: string])[] = [],
): Promise<Conversation> {
  hand.typed.push(`${machine.name}: ${line}`);
  const talk = machine.converse(['bash', '-c', `cd /root && ${line}`]);
  for (const [asked, answer] of answers) {
    await talk.until(asked);
    hand.answered.push(`${machine.name}: ${asked.source}`);
    talk.type(answer);
  }
  const code = await talk.ended();
  assert.equal(code, 0, `${line}\n${talk.text()}`);
  return talk;
}

const lastWord = (text: string, pattern: RegExp): string => {
  const found = pattern.exec(text.replaceAll('\r', ''))?.[1];
  assert.ok(found !== undefined, `${pattern} is not in\n${text}`);
  return found;
};

/** Boots the tower when a magic packet for it arrives on its network, as its card would. */
function wakeOnLan(home: LabHome): { woken: Promise<void>; stop(): void } {
  const program = `
    const mac = Buffer.from(${JSON.stringify(towerMac.replaceAll(':', ''))}, 'hex');
    const magic = Buffer.concat([Buffer.alloc(6, 255), ...Array(16).fill(mac)]);
    const card = require('node:dgram').createSocket({ type: 'udp4', reuseAddr: true });
    card.on('message', (packet) => { if (packet.includes(magic)) { console.log('woken'); process.exit(0); } });
    card.bind(9, () => console.log('asleep'));`;
  const child = spawn('ip', ['netns', 'exec', home.network.netns('pve2'), process.execPath, '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const woken = (async () => {
    const [code] = await once(child, 'exit');
    if (code !== 0) return;
    await home.guests.pve2.boot();
  })();
  return { woken, stop: () => void child.kill('SIGKILL') };
}

/** Whether a TCP connection from the internet to an address opens; a firewall that drops answers nothing. */
async function canConnect(home: LabHome, address: string, port: number): Promise<boolean> {
  const phone = ['netns', 'exec', home.network.netns('phone')];
  const connect = ['timeout', '2', 'bash', '-c', `</dev/tcp/${address}/${port}`];
  const [code] = await once(spawn('ip', [...phone, ...connect], { stdio: 'ignore' }), 'exit');
  return code === 0;
}

test('the first hour: README’s lines, from packages to a tower woken by a phone', async (t) => {
  const lacks = whyNoLab();
  if (lacks !== null) return missing(lacks);
  const say = (line: string): void => t.diagnostic(line);
  say('Simulated in this test: Proxmox VE (its API, pveum and /etc/pve) and the card that wakes the tower.');
  execFileSync('npm', ['run', '-s', 'build:deb'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  const home = await makeLabHome(say);
  let stopCard = (): void => {};
  t.after(async () => {
    stopCard();
    await home.close();
  });
  const { cloud, desk, pve1, pve2 } = home.guests;
  await installProxmoxStandIn(pve1, onPve1);
  await installProxmoxStandIn(pve2, onPve2);
  for (const machine of [cloud, desk, pve1, pve2]) await machine.boot();
  // Here is no mirror of Debian: what the packages need is installed, and there is nothing to fetch.
  for (const machine of [cloud, desk]) await machine.must(['rm', '-f', '/etc/apt/sources.list']);
  // As Proxmox VE is installed.
  for (const host of [pve1, pve2]) await host.must(['rm', '/usr/bin/sudo']);
  const file = `writ_${programVersion}_amd64.deb`;
  const deb = readFileSync(join(root, 'dist', file));
  for (const machine of [cloud, desk]) machine.put(`/root/${file}`, deb);
  desk.put('/root/house.yaml', readFileSync(join(root, 'examples/house.yaml')));

  const lines = shellLines(readFileSync(join(root, 'README.md'), 'utf8'), 'The first hour');
  assert.equal(lines.length, 6, lines.join('\n'));
  const [onCloud, onDesk, init, add, approve, create] = lines as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const hand: Hand = { typed: [], answered: [] };
  const startedAt = performance.now();

  const served = await type(hand, cloud, onCloud);
  const code = lastWord(served.text(), /writ init (writ-setup\.[A-Za-z0-9_-]+)/);
  await type(hand, desk, onDesk);
  await type(hand, desk, init.replace('CODE', code), [
    [/passphrase.*: /i, passphrase],
    [/once more: /i, passphrase],
  ]);
  const added = await type(hand, desk, add);
  const fingerprints = new Map<string, string>();
  for (const machine of [cloud, pve1, pve2]) {
    const line = lastWord(added.text(), new RegExp(`${machine.name}:\\n +(.*\\S)`));
    assert.match(line, /^wget .* sha256sum -c .* writ-relay setup writ-enrol\./);
    const joined = await type(hand, machine, line);
    fingerprints.set(machine.name, lastWord(joined.text(), /fingerprint {2}(\S+)/));
  }
  const approved = await type(hand, desk, approve, [
    [/fingerprints that the hosts showed\?.*/, 'yes'],
    [/passphrase.*: /i, passphrase],
  ]);
  for (const [name, fingerprint] of fingerprints)
    assert.match(approved.text(), new RegExp(`${name}  ${fingerprint}`));
  const created = await type(hand, desk, create);
  say(
    `From the first line to the token: ${((performance.now() - startedAt) / 1000).toFixed(0)} s of the machines.`,
  );

  assert.ok(hand.typed.length <= 9, hand.typed.join('\n'));
  assert.ok(hand.answered.length <= 4, hand.answered.join('\n'));
  say(`${hand.typed.length} typed commands, ${hand.answered.length} prompts.`);

  await t.test('no port is open at home, and the control plane’s is', async () => {
    const route = ['netns', 'exec', home.network.netns('phone'), 'ip', 'route', 'add', '192.168.20.0/24'];
    execFileSync('ip', [...route, 'via', addresses.outside]);
    assert.equal(await canConnect(home, addresses.cloud, 8420), true);
    const closed = [
      ...[22, 8006, 8420].map((port) => [addresses.outside, port] as const),
      [addresses.pve1, 8006] as const,
      [addresses.desk, 22] as const,
    ];
    const open = await Promise.all(closed.map(([address, port]) => canConnect(home, address, port)));
    assert.deepEqual(open, [false, false, false, false, false]);
  });

  await t.test('services run as their own user, with the token as a credential', async () => {
    for (const [machine, unit] of [
      [cloud, 'writ'],
      [cloud, 'writ-relay'],
      [pve1, 'writ-relay'],
      [pve2, 'writ-relay'],
    ] as const) {
      const shown = await machine.must(['systemctl', 'show', unit, '--property=ActiveState,User']);
      const journal = await machine.must(['journalctl', '-u', unit, '-n', '20', '--no-pager', '-o', 'cat']);
      assert.match(shown, /User=writ\n?/);
      assert.match(shown, /ActiveState=active/, `${machine.name}:\n${journal}`);
    }
    const mode = await pve1.must(['stat', '-c', '%U %a', '/etc/writ/credentials/proxmox-token']);
    assert.equal(mode.trim(), 'root 600');
  });

  await t.test('the relays see the guests through their new tokens', async () => {
    const until = Date.now() + 30_000;
    for (;;) {
      const status = await desk.must(['writ', 'status']);
      if (/gaming.*(stopped|off|not run)/i.test(status) && /router/.test(status)) return;
      if (Date.now() > until) assert.fail(status);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  });

  await t.test('a phone wakes the tower', async () => {
    await pve2.cut();
    const card = wakeOnLan(home);
    stopCard = card.stop;
    const curl = lastWord(created.text(), /^ *(curl .*\/v1\/hosts\/pve2\/wake.*)$/m);
    const phone = ['netns', 'exec', home.network.netns('phone'), 'bash', '-c', `${curl} -sS`];
    const ran = spawn('ip', phone, { stdio: ['ignore', 'pipe', 'inherit'] });
    let answer = '';
    ran.stdout.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    await once(ran, 'close');
    const journal = await pve1.must([
      'journalctl',
      '-u',
      'writ-relay',
      '-n',
      '20',
      '--no-pager',
      '-o',
      'cat',
    ]);
    assert.match(answer, /^The tower is awake/, `${answer}\n${journal}`);
    await card.woken;
    say(`The phone was told: ${answer.trim()}`);
    assert.ok(pve2.isOn());
  });

  await t.test('docs/phone.md: a phone that trusts authorities alone asks under a name', async () => {
    const page = readFileSync(join(root, 'docs/phone.md'), 'utf8');
    const [makeFolder, , certbot, serveAgain, createAgain] = shellLines(page, 'iPhone');
    say('Simulated: the authority. Its files come by hand, and the hook of certbot is run on them.');
    const made = await makeCertificate(['writ.example.org'], new Date());
    await cloud.must(['mkdir', '/root/lineage']);
    cloud.put('/root/lineage/fullchain.pem', made.certificatePem);
    cloud.put('/root/lineage/privkey.pem', made.keyPem);
    const hook = lastWord(certbot!, /--deploy-hook '([^']+)'$/);
    await type(hand, cloud, makeFolder!);
    await cloud.must(['sh', '-c', `RENEWED_LINEAGE=/root/lineage; ${hook}`]);
    await type(hand, cloud, serveAgain!);
    const shown = await type(hand, desk, createAgain!);
    const curl = lastWord(shown.text(), /^ *(curl .*https:\/\/writ\.example\.org.*)$/m);
    assert.doesNotMatch(curl, / -k |pinned/);
    const folder = mkdtempSync(join(tmpdir(), 'writ-phone-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const authority = join(folder, 'authority.pem');
    writeFileSync(authority, made.certificatePem);
    const told = `--cacert ${authority} --resolve writ.example.org:8420:${addresses.cloud} -sS`;
    const phone = ['netns', 'exec', home.network.netns('phone'), 'bash', '-c', `${curl} ${told}`];
    const answer = execFileSync('ip', phone, { encoding: 'utf8' });
    assert.match(answer, /^The tower is awake/, 'and relays go on with the key that they pin');
  });
});
