import assert from 'node:assert/strict';
import { test } from 'node:test';
import { androidImport, curlOf, requestsOf, shortcutSteps } from '../../../src/cli/phone.ts';
import { qrOf } from '../../../src/cli/qr.ts';

const origin = 'https://writ.example.net';
const of = (...scopes: string[]) => requestsOf(scopes, origin, 'tok.en');

test('each order of a scope is a request of its own; looking alone is one', () => {
  assert.deepEqual(
    of(
      'status',
      'run@start-gaming',
      'host.wake@pve2',
      'guest.shutdown-in-use@gaming',
      'app.command@websvcs/wiki/reindex',
    ).map(({ title, method, url }) => [title, method, url]),
    [
      ['start-gaming', 'POST', `${origin}/v1/runbooks/start-gaming/run?wait=50`],
      ['wake pve2', 'POST', `${origin}/v1/hosts/pve2/wake?wait=50`],
      ['shutdown-in-use gaming', 'POST', `${origin}/v1/guests/gaming/shutdown-in-use?wait=50`],
      ['reindex wiki websvcs', 'POST', `${origin}/v1/guests/websvcs/apps/wiki/commands/reindex?wait=50`],
    ],
  );
  const [status, ...others] = of('status');
  assert.deepEqual(others, []);
  assert.deepEqual([status?.method, status?.url, status?.body], ['GET', `${origin}/v1/status`, null]);
});

test('the token is in a header alone, and the line of curl has all of the request', () => {
  const [wake] = of('host.wake@pve2');
  assert.ok(wake !== undefined && !wake.url.includes('tok.en'));
  assert.equal(
    curlOf(wake, 'sha256//AAAA='),
    'curl -k --pinnedpubkey "sha256//AAAA=" -X POST -H "Authorization: Bearer tok.en" -H "Accept: text/plain" ' +
      `-H "Content-Type: application/json" -d '{}' "${origin}/v1/hosts/pve2/wake?wait=50"`,
  );
  assert.equal(curlOf(wake, null).includes('-k'), false);
});

test('a Shortcut is five steps that name what is pasted', () => {
  const steps = shortcutSteps(of('host.wake@pve2')[0]!);
  assert.equal(steps.length, 5);
  assert.match(
    steps.join('\n'),
    /“wake pve2”[\s\S]*URL[\s\S]*POST[\s\S]*Authorization and Accept[\s\S]*Speak/,
  );
});

test('the import file of HTTP Shortcuts has a shortcut for each request, and the token as its own field', () => {
  const ids = ['1', '2', '3'];
  const file = androidImport('phone', of('host.wake@pve2', 'run@night'), 'tok.en', null, () => ids.shift()!);
  assert.deepEqual(file, {
    version: 60,
    compatibilityVersion: 60,
    categories: [
      {
        id: '1',
        name: 'Writ (phone)',
        shortcuts: [
          shortcut('2', 'wake pve2', `${origin}/v1/hosts/pve2/wake?wait=50`),
          shortcut('3', 'night', `${origin}/v1/runbooks/night/run?wait=50`),
        ],
      },
    ],
    variables: [],
  });
});

test('the import file names the one certificate that the app is to take', () => {
  const file = androidImport('phone', of('host.wake@pve2'), 'tok.en', 'ab'.repeat(32), () => '1');
  assert.match(JSON.stringify(file), new RegExp(`"certificateFingerprint":"${'ab'.repeat(32)}"`));
});

const shortcut = (id: string, name: string, url: string) => ({
  id,
  name,
  executionType: 'app',
  method: 'POST',
  url,
  headers: [{ key: 'Accept', value: 'text/plain' }],
  authentication: 'bearer',
  authToken: 'tok.en',
  requestBodyType: 'custom_text',
  contentType: 'application/json',
  bodyContent: '{}',
  timeout: 60_000,
  responseHandling: { uiType: 'toast', successOutput: 'response', failureOutput: 'detailed' },
});

test('a QR code is shown where the terminal is wide enough for it', () => {
  const text = `${origin}/v1/hosts/pve2/wake?wait=50`;
  assert.equal(qrOf(text, 0), null);
  assert.equal(qrOf(text, 32), null);
  const lines = qrOf(text, 80)!.split('\n');
  assert.ok(lines.every((line) => line.length === lines[0]!.length && line.length <= 80));
  assert.ok(Math.abs(lines.length * 2 - lines[0]!.length) <= 1);
});
