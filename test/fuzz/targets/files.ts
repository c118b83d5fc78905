import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDer } from '../../../schema/x509/der.ts';
import { fromBase64, fromPem, toPem } from '../../../schema/x509/pem.ts';
import { readCertificate } from '../../../schema/x509/read-certificate.ts';
import { readWanted } from '../../../src/cli/deploy/read-release.ts';
import { readArchive } from '../../../src/config/adopt/archive.ts';
import { readReleaseFile, writeReleaseFile } from '../../../src/config/build/release-file.ts';
import { makeTar, readTar } from '../../../src/config/build/tar.ts';
import { readYaml } from '../../../src/config/read/yaml.ts';
import { readAddressed } from '../../../src/config/secrets/addressees.ts';
import { readAgeHeader } from '../../../src/config/secrets/age-header.ts';
import { judgeSecretFile } from '../../../src/config/secrets/judge-file.ts';
import { isSops, readSopsFile } from '../../../src/config/secrets/sops.ts';
import { readBackup } from '../../../src/node/backup-format.ts';
import { makeIntermediate, makeLeaf, makeRoot } from '../../support/test-authority.ts';
import { type Target, textOf } from '../target.ts';

type Tree = Parameters<typeof readSopsFile>[0];

const example = join(import.meta.dirname, '..', '..', '..', 'examples', 'homelab');

const release: Target = {
  name: 'release-file',
  covers: ['src/config/build/release-file.ts:readReleaseFile', 'src/config/build/tar.ts:readTar'],
  maxBytes: 400_000,
  async corpus() {
    const made = await readWanted({ repo: example });
    if (!made.ok) throw new Error('the example cannot be built');
    const { bytes } = made.value.release;
    return [
      bytes,
      makeTar([{ name: 'a', bytes: new Uint8Array(3) }]),
      writeReleaseFile(made.value.release).slice(0, 300_000),
    ];
  },
  open: () => async (input) => {
    const files = readTar(input);
    if (files !== null) {
      const again = makeTar([...files].map(([name, bytes]) => ({ name, bytes })));
      if (Buffer.compare(again, input) !== 0)
        throw new Error('an archive that makeTar does not make is read');
    }
    await readReleaseFile(makeTar([{ name: 'release.json', bytes: input }]));
    return readReleaseFile(input);
  },
};

const tarWith = (
  type: string,
  name: string,
  content: string,
  more: Readonly<Record<number, string>> = {},
): Buffer => {
  const head = Buffer.alloc(512);
  head.write(name, 0);
  head.write('0000644\0', 100);
  head.write('0000000\0', 108);
  head.write('0000000\0', 116);
  head.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  head.write('00000000000\0', 136);
  head.write('        ', 148);
  head.write(type, 156);
  head.write('ustar\u000000', 257);
  for (const [at, text] of Object.entries(more)) head.write(text, Number(at));
  head.write(
    `${head
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content);
  return Buffer.concat([head, body]);
};

/** Headers get the sum that they should have, or nothing behind them would be read. */
function withSums(input: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const bytes = input.slice();
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (textOf(bytes.subarray(at + 257, at + 262)) !== 'ustar') continue;
    bytes.fill(0x20, at + 148, at + 156);
    const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    bytes.set(Buffer.from(`${sum.toString(8).padStart(6, '0')}\0 `), at + 148);
  }
  return bytes;
}

const archive: Target = {
  name: 'archive',
  covers: ['src/config/adopt/archive.ts:readArchive'],
  maxBytes: 40_000,
  words: ['30 mtime=1.0\n', '20 path=a/b\n', 'ustar', '././@LongLink', '11 size=5\n', 'GNU.sparse.major=1'],
  corpus: () => {
    const end = Buffer.alloc(1024);
    return [
      Buffer.concat([tarWith('0', 'a/b', 'text'), tarWith('5', 'a', ''), end]),
      Buffer.concat([
        tarWith('x', 'PaxHeader', '20 path=some/long.a\n11 uid=100\n'),
        tarWith('0', 'x', 'abc'),
        end,
      ]),
      Buffer.concat([tarWith('L', '././@LongLink', 'very/long/name\0'), tarWith('0', 'x', 'abc'), end]),
      Buffer.concat([
        tarWith('1', 'hard', '', { 157: 'a/b' }),
        tarWith('2', 'soft', '', { 157: '../x' }),
        end,
      ]),
      Buffer.concat([
        tarWith('3', 'dev', ''),
        tarWith('S', 'sparse', ''),
        tarWith('g', 'global', '10 a=bcd\n'),
        end,
      ]),
    ];
  },
  open: () => (input) => {
    readArchive(withSums(input));
    return readArchive(input);
  },
};

const age: Target = {
  name: 'age-header',
  covers: [
    'src/config/secrets/age-header.ts:readAgeHeader',
    'src/config/secrets/addressees.ts:readAddressed',
    'src/config/secrets/judge-file.ts:judgeSecretFile',
  ],
  maxBytes: 80_000,
  words: [
    '-> X25519 ',
    '--- ',
    'age-encryption.org/v1\n',
    '-----BEGIN AGE ENCRYPTED FILE-----',
    '-> scrypt ',
    '-> ssh-ed25519 ',
  ],
  corpus: () =>
    readdirSync(join(example, 'secrets'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.age'))
      .slice(0, 12)
      .map((entry) => readFileSync(join(entry.parentPath, entry.name))),
  open: () => (input) => {
    const read = readAgeHeader(input);
    if (read.ok) readAddressed(read.value);
    judgeSecretFile(input, ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p']);
    judgeSecretFile(input, null);
    return read;
  },
};

const sops: Target = {
  name: 'sops',
  covers: ['src/config/secrets/sops.ts:readSopsFile'],
  maxBytes: 6_000,
  corpus: () => [
    'password: ENC[AES256_GCM,data:abc,iv:abc,tag:abc,type:str]\nlist:\n  - ENC[AES256_GCM,data:abc,iv:abc,tag:abc,type:int]\nsops:\n  age:\n    - recipient: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n      enc: |\n        -----BEGIN AGE ENCRYPTED FILE-----\n        abc\n        -----END AGE ENCRYPTED FILE-----\n  lastmodified: "2026-01-01T00:00:00Z"\n  mac: ENC[AES256_GCM,data:abc,iv:abc,tag:abc,type:str]\n  version: 3.9.0\n',
  ],
  open: () => (input) => {
    const values = readYaml('a.yaml', input, { ordered: true });
    const texts = readYaml('a.yaml', input, { ordered: true, texts: true });
    if (!values.ok || !texts.ok) return null;
    const tree = values.yaml.value as Tree;
    if (!(tree instanceof Map) || !isSops(tree)) return null;
    return readSopsFile(tree, texts.yaml.value as Tree);
  },
};

const certificates: Target = {
  name: 'certificate',
  covers: [
    'schema/x509/read-certificate.ts:readCertificate',
    'schema/x509/der.ts:readDer',
    'schema/x509/pem.ts:fromPem',
    'schema/x509/pem.ts:fromBase64',
  ],
  maxBytes: 10_000,
  async corpus() {
    const root = await makeRoot();
    const intermediate = await makeIntermediate(root, {
      dns: ['home.example.net'],
      ips: ['10.0.0.0/8'],
    } as never);
    const leaf = await makeLeaf(intermediate, ['git.home.example.net', '10.0.0.1']);
    return [root, intermediate, leaf].flatMap(({ der }) => [der, toPem(der)]);
  },
  open: () => (input) => {
    fromBase64(textOf(input));
    const pem = fromPem(textOf(input));
    if (pem.ok) readCertificate(pem.value);
    readDer(input);
    return readCertificate(input);
  },
};

const backup: Target = {
  name: 'backup',
  covers: ['src/node/backup-format.ts:readBackup'],
  maxBytes: 40_000,
  corpus: () => {
    const manifest = JSON.stringify({
      format: 1,
      home: null,
      taken_at: 1,
      version: '0.1.0',
      schema_version: 1,
      trust_version: 1,
      audit: { seq: 0, hash: `sha256:${'0'.repeat(64)}` },
      database: { bytes: 3, sha256: 'a'.repeat(64) },
    });
    return [
      makeTar([
        { name: 'manifest.json', bytes: Buffer.from(manifest) },
        { name: 'database', bytes: Buffer.from('abc') },
      ]),
      manifest,
    ];
  },
  open: () => async (input) => {
    async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
    }
    await readBackup(chunks(makeTar([{ name: 'manifest.json', bytes: input }])), null);
    return readBackup(chunks(input), null);
  },
};

export const fileTargets: readonly Target[] = [release, archive, age, sops, certificates, backup];
