import { createHash, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { digestBytes, toBytes } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import { generateKey } from '../../schema/jose/keys.ts';
import type { MachineRecipient } from '../../schema/manifest/recipients.ts';
import type { Report } from '../../schema/wire/report.ts';
import { encryptSecret, makeIdentity, recipientOf } from '../../src/cli/secrets/age.ts';
import { readRecipients, recipientsText } from '../../src/config/secrets/recipients-file.ts';
import {
  recipientsFile,
  reportPath,
  secretFilesOf,
  secretPath,
} from '../../src/config/secrets/repo-paths.ts';
import { buildExample, exampleFolder, exampleRepo, testIdentity, testKeyPath } from './example.ts';

/**
 * Makes what `secrets/` of the example lacks: recipients, as relays would report them, and a file for each secret that
 * an app needs. What is there stays, so that a branch changes no file of another; what nobody needs goes. Run it after
 * an app of the example needs another secret: `node test/examples/make-secrets.ts`.
 */
const { home } = await buildExample();
if (home === undefined) throw new Error('the example cannot be read: writ config check tells why');

const put = (path: string, content: string | Uint8Array): void => {
  mkdirSync(dirname(join(exampleFolder, path)), { recursive: true });
  writeFileSync(join(exampleFolder, path), content);
};

async function recipientFor(name: string): Promise<string> {
  const path = testKeyPath(name);
  if (!existsSync(join(exampleFolder, path))) {
    const { identity, recipient } = await makeIdentity('classic');
    const warning = '# A TEST KEY: everybody has it. It opens the secrets of this example, which are none.';
    put(path, `${warning}\n# ${name}, public key: ${recipient}\n${identity}\n`);
  }
  return (await recipientOf(testIdentity(name)))!;
}

const secrets = Object.values(home.secrets).filter(({ from }) => from.length === 0);
const machines = [...new Set(secrets.flatMap(({ targets }) => targets))].sort();
const owner = await recipientFor('owner');
const recipients: Record<string, string> = {};
for (const machine of machines) recipients[machine] = await recipientFor(machine);

const { files } = exampleRepo();
const read = readRecipients(files);
if (!read.ok) throw new Error('secrets/recipients.yaml cannot be read');
const { machines: known } = read.recipients;

const named: Record<string, MachineRecipient> = {};
for (const relay of new Set(machines.map((name) => home.guests[name]?.host ?? name))) {
  const own = machines.filter((name) => (home.guests[name]?.host ?? name) === relay);
  if (own.every((name) => known[name] !== undefined && files.has(reportPath(name)))) {
    for (const name of own) named[name] = known[name]!;
    continue;
  }
  const report: Report = {
    home: 'h_00000000000000000000000000',
    relay,
    seq: 1,
    time: 1_767_225_600,
    boot: 'example',
    uptime_ms: 0,
    version: '0.0.0',
    protocol: 1,
    trust_version: 1,
    clock_synchronised: true,
    proxmox: home.hosts[relay]!.proxmox ? 'ok' : 'none',
    guests: {},
    progress: [],
    refused: { count: 0, code: null },
    recipients: Object.fromEntries(own.map((name) => [name, recipients[name]!])),
  };
  const { signing } = await generateKey();
  const jws = await signJws('report', report, signing);
  const trust = await digestBytes(toBytes('the example has no trust document'));
  for (const name of own) {
    put(reportPath(name), `${jws}\n`);
    named[name] = { recipient: recipients[name]!, relay, kid: signing.kid, report: 1, trust };
  }
}
const head = [
  '# yaml-language-server: $schema=../.schema/recipients.schema.json',
  '# Recipients of the example: their keys are in test-keys/, and everybody has them.',
  '',
].join('\n');
put(recipientsFile, head + recipientsText('', { v: 1, owner: [owner], machines: named }));

const digestOf = (name: string): string => createHash('sha256').update(name).digest('hex');

/** Values that their programs want in a form of their own. */
const formed: Readonly<Record<string, () => string>> = {
  authelia_oidc_key: () =>
    generateKeyPairSync('rsa', { modulusLength: 2048 })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString(),
  // 32 bytes.
  esphome_api_key: () => digestOf('esphome_api_key').slice(0, 32),
  // A list of 16 numbers, in YAML.
  zigbee_network_key: () =>
    JSON.stringify([...Buffer.from(digestOf('zigbee_network_key'), 'hex').subarray(16)]),
};
const exampleValue = (name: string): string => formed[name]?.() ?? `example-${digestOf(name).slice(0, 40)}`;

const wanted = new Set<string>();
for (const { name, targets } of secrets) {
  for (const machine of targets) {
    const path = secretPath(machine, name);
    wanted.add(path);
    if (files.has(path)) continue;
    const sealed = await encryptSecret(toBytes(exampleValue(name)), [recipients[machine]!, owner]);
    if (!sealed.ok) throw new Error(sealed.detail);
    put(path, sealed.value);
  }
}
for (const { path } of secretFilesOf(files).secrets) {
  if (!wanted.has(path)) rmSync(join(exampleFolder, path));
}
