import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { test } from 'node:test';
import { parse } from 'yaml';
import { gatus } from '../../../../src/config/generate/gatus.ts';
import { gatusProgram, hasEmptyNetwork, startGatus } from '../../../support/gatus-program.ts';
import { missing } from '../../../support/missing.ts';
import type { Tree } from '../../../support/repo-fixture.ts';
import { homelabWith, madeFor } from '../../../support/seen-home.ts';
import { freePort } from '../../../support/traefik-program.ts';

const noGatus = gatusProgram === null && 'there is no gatus';
if (noGatus) missing('gatus (in PATH or the folder WRIT_PROGRAMS), which judges its configuration');
const noNetwork = !hasEmptyNetwork && 'there is no network of its own to be had';
if (noNetwork) missing('networks of a process of its own (unshare -rn), in which Gatus is let loose');

const make = (changes: Tree, options: Readonly<Record<string, unknown>> = {}): string => {
  const made = madeFor(gatus, 'endpoints', { app: 'gatus', target: 'secsvcs' }, changes, options);
  assert.deepEqual(made.doubts, []);
  return made.text;
};

/** Everything that can be asked, under hostile titles, told to all kinds of channels. */
const whole: Tree = {
  ...homelabWith(
    'notifications:',
    '  channels: { phone: { ntfy: "https://ntfy.sh/a" }, wall: { ntfy: "https://ntfy.sh/b" }, hook: { webhook: "https://hooks.example.org/$HOME" }, mail: { email: a@example.net } }',
    '  send: [{ to: [phone, wall, hook, mail] }]',
  ),
  'apps/hostile/app.yaml':
    'title: "a \\"quote\\", a \\\\ and a $HOME"\non: websvcs\nroute: { host: hostile, port: 80 }\nhealth: { path: "/$HOME" }\n',
  'apps/vpn/app.yaml':
    'on: cloud\nroute: { host: vpn, port: 8443, public: true, passthrough: true }\nhealth: { scheme: tcp, port: 8443 }\n',
  'apps/dns/app.yaml':
    'on: secsvcs\nports: [{ port: 53, proto: udp }, { port: 53 }]\nhealth: { scheme: tcp, port: 53 }\n',
};
const options = {
  tokens: { phone: 'NTFY_TOKEN' },
  email: { from: 'g@example.net', host: 'smtp.example.net', port: 587 },
};
const own = 'metrics: true\nstorage: { type: memory }\nui: { title: our home }\n';
const env = { NTFY_TOKEN: 'tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2' };

test('Gatus takes what is made beside a file of its own, and asks all of it', {
  skip: noGatus || noNetwork,
}, async (t) => {
  const text = make(whole, options);
  const started = startGatus(t, { 'own.yaml': own, 'home.yaml': text }, { emptyNetwork: true, env });
  const names: string[] = parse(text).endpoints.map(({ name }: { name: string }) => name);
  assert.ok(names.length >= 7, names.join(' '));
  for (const name of names)
    await started.until(new RegExp(`Monitored group=\\S+ endpoint=${name.replaceAll('.', '\\.')};`));
  assert.equal(started.child.exitCode, null, started.log());
  // Of providers that it takes not, and overrides, it only warns.
  assert.doesNotMatch(started.log(), /Ignoring provider|invalid overrides|panic/);
});

test('Gatus refuses what is made with one thing wrong in it', { skip: noGatus || noNetwork }, async (t) => {
  const text = make(whole, options);
  for (const [right, wrong] of [
    ["duration: '7h10m'", "duration: '1d'"],
    ["start: '23:00'", "start: '23.00h'"],
    ["timezone: 'Europe/Berlin'", "timezone: 'Europe/Bärlin'"],
    ["'[STATUS] == 200'", "'[STATUS]'"],
    ["interval: '1m'", "interval: '1d'"],
    ["query-type: 'A'", "query-type: 'B'"],
    ["url: 'tls://", "url: 'tles://"],
    ['does not answer', 'does not "answer"'],
  ] as const) {
    assert.ok(text.includes(right), right);
    const files = { 'own.yaml': own, 'home.yaml': text.replace(right, wrong) };
    const started = startGatus(t, files, { emptyNetwork: true, env });
    assert.match(await started.until(/Monitored group/), /panic/, wrong);
    started.child.kill('SIGKILL');
  }
});

type Posted = { readonly state: string; readonly endpoint: string };

/** Takes what Gatus posts, one after another. */
async function hook(): Promise<{ readonly server: Server; readonly port: number; next(): Promise<Posted> }> {
  const posted: Posted[] = [];
  const waiting: ((one: Posted) => void)[] = [];
  const take = async (request: IncomingMessage): Promise<void> => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const one = JSON.parse(body) as Posted;
    const first = waiting.shift();
    if (first === undefined) posted.push(one);
    else first(one);
  };
  const server = createServer((request, response) => {
    void take(request).then(() => response.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const next = (): Promise<Posted> =>
    posted.length > 0 ? Promise.resolve(posted.shift()!) : new Promise((resolve) => waiting.push(resolve));
  return { server, port: (server.address() as { port: number }).port, next };
}

test('a page that stops is told of, and that it is back; one whose machine is off on purpose is not', {
  skip: noGatus,
}, async (t) => {
  const { server, port, next } = await hook();
  const page = await freePort();
  const at = new Date();
  /** So many hours from now, in UTC. */
  const hour = (later: number): string => `${String((at.getUTCHours() + later) % 24).padStart(2, '0')}:00`;
  const changes = homelabWith(
    ['timezone: Europe/Berlin', 'timezone: UTC'],
    ['from: "07:00", to: "23:00"', `from: "${hour(4)}", to: "${hour(6)}"`],
    `notifications: { channels: { hook: { webhook: "http://127.0.0.1:${port}/" } }, send: [{ to: hook }] }`,
  );
  const moved = { url: `http://127.0.0.1:${page}/`, conditions: ['[STATUS] == 200'] };
  const text = make(changes, {
    interval: '1s',
    alert: { 'failure-threshold': 1, 'success-threshold': 1, 'send-on-resolved': true },
    endpoints: {
      postgres: null,
      'status.example.net': null,
      'git.example.net': moved,
      'waking.example.net': moved,
    },
  });
  const web = await freePort();
  const listen = `web: { address: 127.0.0.1, port: ${web} }\nstorage: { type: memory }\n`;
  const started = startGatus(t, { 'own.yaml': listen, 'home.yaml': text });
  t.after(() => server.close());
  const told = await next();
  assert.deepEqual([told.state, told.endpoint], ['TRIGGERED', 'waking.example.net'], started.log());
  // The other was asked as well by then, or is soon, and failed alike.
  await started.until(/endpoint=git\.example\.net; key=\S+ success=false/);
  const back = createServer((_, response) => response.end()).listen(page, '127.0.0.1');
  t.after(() => back.close());
  const ended = await next();
  assert.deepEqual([ended.state, ended.endpoint], ['RESOLVED', 'waking.example.net']);
  await started.until(/endpoint=git\.example\.net; key=\S+ success=true/);
  assert.doesNotMatch(started.log(), /alert for endpoint with key=websvcs/);
});
