import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import {
  closeFetchFolder,
  fetchArtifact,
  maxFetchedBytes,
  openFetchFolder,
} from '../../../../relay/deploy/artifacts/fetch-artifact.ts';
import type { Machine } from '../../../../relay/machine/machine.ts';
import { ok } from '../../../../schema/result.ts';
import {
  artifactOf,
  type FetchingHome,
  openFetchingHome,
  sha256Of,
  whyNoFetching,
} from '../../../support/fetching-home.ts';
import { createMemoryMachine } from '../../../support/memory-machine.ts';
import { missing } from '../../../support/missing.ts';

const place = { path: '/var/lib/body', mode: '0600', signal: new AbortController().signal };
const fetchTo = async (machine: Machine, artifact = artifactOf()): Promise<string> => {
  const opened = await openFetchFolder(machine);
  assert.ok(opened.ok, JSON.stringify(opened));
  const done = await fetchArtifact(machine, artifact, place);
  return done.ok ? 'ok' : `${done.reason}: ${done.detail}`;
};

describe('a machine whose programs say what they are given', () => {
  const telling = (code: number, stderr = '', bytes?: string) => {
    const memory = createMemoryMachine();
    const asked: string[][] = [];
    const machine: Machine = {
      ...memory,
      // It knows the user of the package manager.
      change: (steps) =>
        memory.change(steps.map((step) => ('owner' in step ? { ...step, owner: 'root:root' } : step))),
      async run(argv) {
        asked.push([...argv]);
        if (argv[0] === 'rm') return ok({ code: 0, stdout: new Uint8Array(), stderr: new Uint8Array() });
        if (bytes !== undefined) memory.put('/var/lib/writ-fetch/incoming/body', bytes);
        return ok({ code, stdout: new Uint8Array(), stderr: new TextEncoder().encode(stderr) });
      },
    };
    return { machine, asked, memory };
  };

  test('threat 16: is asked by words of which no part of a release can be an option', async () => {
    const { machine, asked, memory } = telling(0, '', 'page');
    const artifact = artifactOf({ sha256: sha256Of(Buffer.from('page')) });
    assert.equal(await fetchTo(machine, artifact), 'ok');
    assert.equal(memory.text(place.path), 'page');
    assert.deepEqual(asked[1]!.slice(-4), [
      'download-file',
      'https://example.net/x',
      '/var/lib/writ-fetch/incoming/body',
      `SHA256:${artifact.sha256}`,
    ]);
    assert.deepEqual(asked[1]!.slice(0, 5), [
      ...['prlimit', '--core=0', `--fsize=${maxFetchedBytes}`, '--', '/usr/lib/apt/apt-helper'],
    ]);
  });

  test('is not believed: what lies there in the end is compared', async () => {
    const { machine, memory } = telling(0, '', 'another page');
    assert.match(await fetchTo(machine), /^artifact_wrong: https:\/\/example\.net\/x is not what was said/);
    assert.equal(memory.text(place.path), null);
  });

  test('says by what it fails whose fault it is', async () => {
    for (const [code, said, expected] of [
      [100, 'E: Failed to fetch https://example.net/x  404  Not Found', 'artifact_unreachable'],
      [100, "Could not resolve 'example.net'", 'artifact_unreachable'],
      [100, 'Hash Sum mismatch', 'artifact_wrong'],
      [100, 'Write error - write (28: No space left on device)', 'no_space'],
      [
        127,
        'prlimit: failed to execute /usr/lib/apt/apt-helper: No such file or directory',
        'program_missing',
      ],
    ] as const) {
      const { machine } = telling(code, said);
      assert.match(
        await fetchTo(machine),
        new RegExp(`^${expected}: .*${said.slice(-20).replace(/[()]/g, '.')}`),
      );
    }
  });
});

const why = whyNoFetching();
if (why !== null) missing(why);
else
  describe('apt’s own helper', () => {
    let home: FetchingHome;
    before(async () => {
      home = await openFetchingHome();
    });
    after(() => home.close());
    const bodyOf = (): string => readFileSync(`${home.root}${place.path}`, 'utf8');

    test('fetches by https what has the digest, for root alone', async () => {
      assert.equal(await fetchTo(home.machine, home.serve('page', Buffer.from('one'))), 'ok');
      assert.equal(bodyOf(), 'one');
      const { mode, uid } = statSync(`${home.root}${place.path}`);
      assert.deepEqual([mode & 0o7777, uid], [0o600, 0]);
      assert.ok((await closeFetchFolder(home.machine)).ok);
      assert.ok(!existsSync(`${home.root}/var/lib/writ-fetch`));
    });

    test('asks for an address as it is, and follows it to another one', async () => {
      const name = 'a%2Fb?sig=x%2By%3D%3D&n=1+2';
      const artifact = home.serve(name, Buffer.from('signed'));
      home.answers.set('/latest', (_, response) => {
        response.writeHead(302, { location: `${home.url}/${name}` }).end();
      });
      assert.equal(await fetchTo(home.machine, { ...artifact, url: `${home.url}/latest` }), 'ok');
      assert.equal(home.asked.at(-1), `/${name}`);
      assert.equal(await fetchTo(home.machine, artifact), 'ok');
      assert.equal(home.asked.at(-1), `/${name}`);
    });

    test('is not sent on to a plain address', async () => {
      let heard = 0;
      const plain = createServer((_, response) => {
        heard += 1;
        response.end('one');
      });
      await new Promise<void>((done) => plain.listen(0, '127.0.0.1', done));
      const { port } = plain.address() as AddressInfo;
      home.answers.set('/down', (_, response) => {
        response.writeHead(302, { location: `http://localhost:${port}/page` }).end();
      });
      const artifact = artifactOf({ url: `${home.url}/down`, sha256: sha256Of(Buffer.from('one')) });
      assert.match(await fetchTo(home.machine, artifact), /^artifact_unreachable: .*forbidden/s);
      plain.close();
      assert.equal(heard, 0);
    });

    test('says of other bytes that they are others, and leaves none', async () => {
      const artifact = home.serve('other', Buffer.from('one'), { sha256: 'b'.repeat(64) });
      assert.match(await fetchTo(home.machine, artifact), /^artifact_wrong: /);
    });

    test('gives up a server that is gone, has it not, or breaks off', async () => {
      home.answers.set('/short', (_, response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('x');
        response.destroy();
      });
      for (const url of [`${home.url}/nothing`, `${home.url}/short`, 'https://localhost:1/x']) {
        assert.match(await fetchTo(home.machine, artifactOf({ url })), /^artifact_unreachable: https/, url);
      }
    });

    test('ends where a file is larger than one may be', async () => {
      home.answers.set('/long', (_, response) => {
        const chunk = Buffer.alloc(1024 * 1024);
        const more = (): void => {
          while (!response.destroyed) if (!response.write(chunk)) return void response.once('drain', more);
        };
        response.on('error', () => {});
        more();
      });
      const artifact = artifactOf({ url: `${home.url}/long` });
      assert.match(await fetchTo(home.machine, artifact), /^artifact_unfit: .*more than 64 MiB/);
    });
  });
