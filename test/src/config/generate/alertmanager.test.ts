import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { alertmanager } from '../../../../src/config/generate/alertmanager.ts';
import { checkWith, findChecker } from '../../../support/checkers.ts';
import { generateFor } from '../../../support/compiled-home.ts';
import { missing } from '../../../support/missing.ts';
import { watched, watchedHome, watcher } from '../../../support/watched-home.ts';

type Receiver = Record<string, unknown> & { readonly name: string };
type Config = {
  readonly global?: Record<string, unknown>;
  readonly route: Record<string, unknown>;
  readonly receivers: readonly Receiver[];
  readonly inhibit_rules: readonly Record<string, unknown>[];
};

const smtp = { smarthost: 'mail.example.net:587', from: 'home@example.net' };

function made(options: object = { smtp }, changes = {}) {
  const { home } = watched(changes);
  const { made: output, doubts } = generateFor(alertmanager, 'config', home, watcher, { ...options });
  assert.ok(output.kind === 'file');
  return { text: output.text, config: parse(output.text) as Config, doubts };
}

test('each channel is a receiver, and ntfy has one more that rings', () => {
  const { config, doubts } = made();
  assert.deepEqual(doubts, []);
  const hook = (url: string) => ({ webhook_configs: [{ url, send_resolved: true }] });
  assert.deepEqual(config.receivers, [
    { name: 'writ/nobody' },
    { name: 'phone', ...hook('https://ntfy.example.net/home?template=alertmanager') },
    {
      name: 'phone/critical',
      ...hook('https://ntfy.example.net/home?template=alertmanager&priority=urgent'),
    },
    { name: 'hook', ...hook('https://hooks.example.net/a?b=c') },
    {
      name: 'post',
      email_configs: ['admin@example.net', 'other@example.net'].map((to) => ({ to, send_resolved: true })),
    },
  ]);
  assert.deepEqual(config.global, {
    smtp_smarthost: 'mail.example.net:587',
    smtp_from: 'home@example.net',
    smtp_require_tls: true,
  });
});

test('tokens and passwords are named as files, and must be secrets of the app', () => {
  const { config, doubts } = made({
    secrets: '/secrets',
    tokens: { phone: 'phone_token' },
    smtp: { ...smtp, username: 'o\'ne": yes', password: 'writ_token' },
  });
  assert.deepEqual(doubts, []);
  for (const name of ['phone', 'phone/critical']) {
    const receiver = config.receivers.find((one) => one.name === name)!;
    assert.deepEqual((receiver.webhook_configs as { http_config: object }[])[0]!.http_config, {
      authorization: { type: 'Bearer', credentials_file: '/secrets/phone_token' },
    });
  }
  assert.equal(config.global!.smtp_auth_password_file, '/secrets/writ_token');
  assert.equal(config.global!.smtp_auth_username, 'o\'ne": yes');
  assert.deepEqual(
    made({ smtp, tokens: { phon: 'other' } }).doubts.map(
      ({ code, message, suggestion }) => `${code}: ${message}. ${suggestion ?? ''}`,
    ),
    [
      'unknown_channel: options.tokens names phon, and there is no such channel. Did you mean phone?',
      'secret_undeclared: options name the secret other, which watch does not list. ',
    ],
  );
});

test('a channel by email without a way is an error, as are wrong options', () => {
  const codes = (options: object) => made(options).doubts.map(({ code, message }) => `${code}: ${message}`);
  assert.deepEqual(codes({}), ['wrong_option: the channel post is by email, and options say no smtp']);
  assert.match(
    codes({ smtp: { ...smtp, smarthost: 'mail' } })[0]!,
    /^wrong_option: options\.smtp\.smarthost/,
  );
});

test('a home in which nobody hears of what is critical is told so', () => {
  const homelab = watchedHome['homelab.yaml'] as string;
  const unheard = (changed: string) =>
    made({ smtp }, { 'homelab.yaml': changed }).doubts.map(
      ({ severity, code, message }) => `${severity} ${code}: ${message}`,
    );
  assert.deepEqual(unheard(homelab.replace(/ {2}send:[\s\S]*?\n(?=generators)/, '')), [
    'warning alerts_unheard: nobody is told of alerts about health, security, storage, however critical',
  ]);
  assert.deepEqual(unheard(homelab.replace('    - { to: phone, from: warning }\n', '')), [
    'warning alerts_unheard: nobody is told of alerts about health, security, however critical',
  ]);
});

test('an address of ntfy without a topic is refused', () => {
  const homelab = watchedHome['homelab.yaml'] as string;
  const told = made({ smtp }, { 'homelab.yaml': homelab.replace('.net/home"', '.net/"') }).doubts;
  assert.deepEqual(
    told.map(({ code, message }) => `${code}: ${message}`),
    [
      'wrong_value: https://ntfy.example.net/ of the channel phone names no topic of ntfy, so nobody would be told',
    ],
  );
});

test('a channel may have any name', () => {
  const homelab = (watchedHome['homelab.yaml'] as string).replaceAll('phone', 'nobody');
  const names = made({ smtp }, { 'homelab.yaml': homelab }).config.receivers.map(({ name }) => name);
  assert.deepEqual(names, ['writ/nobody', 'nobody', 'nobody/critical', 'hook', 'post']);
});

test('what the owner adds is merged over it', () => {
  const { config } = made({ smtp, repeat: '4h', wait: '1s', extra: { route: { group_interval: '1m' } } });
  assert.deepEqual(
    [config.route.repeat_interval, config.route.group_wait, config.route.group_interval],
    ['4h', '1s', '1m'],
  );
});

const lacks = findChecker('amtool').length === 0;
if (lacks) missing('amtool, which judges the configuration of Alertmanager and tells who is told');
const skip = lacks && 'there is no amtool';

test('amtool takes it, and not with a wrong member', { skip }, () => {
  const judged = (text: string) => checkWith('amtool', ['check-config', '{}/a.yml'], { 'a.yml': text });
  const { text } = made({ smtp, tokens: { phone: 'phone_token' } });
  for (const { by, accepted, said } of judged(text)) assert.ok(accepted, `${by}: ${said}`);
  for (const { by, accepted } of judged(text.replace('receivers:', 'recievers:'))) assert.ok(!accepted, by);
});

/** Whom Alertmanager's own routing tells, by amtool. */
function toldOf(t: { after(work: () => void): void }, text: string, labels: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'writ-routes-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'a.yml'), text);
  const [program, ...words] = findChecker('amtool')[0]!.argv;
  const asked = ['config', 'routes', 'test', `--config.file=${join(folder, 'a.yml')}`, ...labels];
  const done = spawnSync(program!, [...words, ...asked], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
  return done.stdout
    .trim()
    .split(',')
    .filter((name) => name !== 'writ/nobody')
    .sort();
}

test('who is told is what homelab.yaml says', { skip }, (t) => {
  const { text } = made();
  const told = (...labels: string[]) => toldOf(t, text, labels);
  assert.deepEqual(told('severity=info', 'topic=drift'), []);
  assert.deepEqual(told('severity=warning', 'topic=backups'), ['phone']);
  assert.deepEqual(told('severity=critical', 'topic=health'), ['phone/critical']);
  assert.deepEqual(told('severity=critical', 'topic=storage'), ['hook', 'phone/critical', 'post']);
});

test('two entries that are about one alert tell a channel once', { skip }, (t) => {
  const homelab = (watchedHome['homelab.yaml'] as string).replace(
    'send:\n',
    'send:\n    - { to: phone, about: backups, from: info }\n',
  );
  const { text } = made({ smtp }, { 'homelab.yaml': homelab });
  assert.deepEqual(toldOf(t, text, ['severity=warning', 'topic=backups']), ['phone']);
  assert.deepEqual(toldOf(t, text, ['severity=info', 'topic=backups']), ['phone']);
  assert.deepEqual(toldOf(t, text, ['severity=info', 'topic=storage']), []);
});

test('while a host is silent, that nothing on it answers is no news, and what its guests tell is', () => {
  const { config } = made();
  assert.deepEqual(config.inhibit_rules[0], {
    source_matchers: ['alertname=~"HostSilent|HostLost"'],
    target_matchers: ['alertname=~"MachineUnreachable|AppUnreachable|AppUnanswered|ServicesDown"'],
    equal: ['host'],
  });
});
