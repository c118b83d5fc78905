import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { archiveListName, readArchiveList } from '../../../../relay/deploy/artifacts/archive-list.ts';
import { bringArchives } from '../../../../relay/deploy/artifacts/bring-artifacts.ts';
import { judgeListing, judgeUnpacked } from '../../../../relay/deploy/artifacts/judge-archive.ts';
import type { Machine } from '../../../../relay/machine/machine.ts';
import {
  artifactOf,
  type FetchingHome,
  openFetchingHome,
  sha256Of,
  whyNoFetching,
} from '../../../support/fetching-home.ts';
import { missing } from '../../../support/missing.ts';

const saidOf = (done: { ok: boolean; reason?: string; detail?: string }): string =>
  done.ok ? 'ok' : `${done.reason}: ${done.detail}`;

describe('what tar lists', () => {
  const listed = (...lines: string[]): string => saidOf(judgeListing(`${lines.join('\n')}\n`));
  const file = (name: string, size = '5'): string =>
    `-rw-r--r-- 0/0 ${size.padStart(8)} 2026-11-29 14:07 ${name}`;

  test('is files and folders, however they are called', () => {
    assert.equal(
      listed(
        'drwxr-xr-x 0/0               0 2026-11-29 14:07 ./',
        file('./a b'),
        file('a..b/..c'),
        file('it\\nis -> so'),
        `h${file('hard link to a', '0').slice(1)}`,
        '-rw-r--r--+ 1000/100        12 1970-01-01 00:00 x',
      ),
      'ok',
    );
  });

  test('is refused with a path that leads out, by whatever it is', () => {
    for (const name of [
      '/etc/passwd',
      '../x',
      'a/../../x',
      'a/..',
      'x link to ../y',
      'a//x',
      'x link to a//y',
    ]) {
      assert.match(listed(file(name)), /^artifact_unfit: it would write outside/, name);
    }
  });

  test('is refused with what is no file', () => {
    for (const kind of 'lbcpsVMD')
      assert.match(listed(`${kind}${file('x').slice(1)}`), /^artifact_unfit: it holds /, kind);
    assert.match(listed('crw-r--r-- 0/0 1,3 2026-11-29 14:07 null'), /a device: null/);
    assert.match(listed('no line of it'), /^artifact_unfit: /);
    // Of a time that is no date, tar prints the number: the name begins behind it.
    for (const name of ['a//tmp/x y', '/tmp/x y', '2026-11-29 14:07 /tmp/x'])
      assert.match(listed(`-rw-r--r-- 0/0 5 9223372036854775807 ${name}`), /lists it otherwise/, name);
  });

  test('is refused where it would be too much', () => {
    const mib = 1024 * 1024;
    assert.match(listed(file('x', String(64 * mib + 1))), /too large: x/);
    assert.match(
      listed(...[1, 2, 3, 4, 5].map((n) => file(`${n}`, String(60 * mib)))),
      /what it holds is too large/,
    );
    assert.match(listed(...Array.from({ length: 5001 }, (_, n) => file(`${n}`))), /more than 5000 files/);
    assert.equal(listed(...Array.from({ length: 5000 }, (_, n) => file(`${n}`))), 'ok');
  });
});

describe('what was unpacked', () => {
  const found = (...rows: string[]) => judgeUnpacked(Buffer.from(rows.map((row) => `${row}\0`).join('')));
  const said = (...rows: string[]): string => saidOf(found(...rows));

  test('has one of two modes, and is in the order of names', () => {
    const files = found('f\t644\t5\t1\t9\tb/x', 'd\t755\t0\t2\t8\tb', 'f\t4755\t5\t1\t7\ta');
    assert.deepEqual(files.ok && files.value, [
      { path: 'a', mode: '0755', size: 5 },
      { path: 'b/x', mode: '0644', size: 5 },
    ]);
  });

  test('is refused where a name, a kind or a link is none of its own', () => {
    assert.match(said('f\t644\t5\t1\t9\ta\nb'), /a name that no release may have/);
    assert.match(said('f\t644\t5\t1\t9\ta\tb'), /a name that no release may have/);
    assert.match(saidOf(judgeUnpacked(Buffer.from('f\t644\t5\t1\t9\t\xff\0', 'latin1'))), /no text/);
    for (const kind of 'lpsbcDU') assert.match(said(`${kind}\t644\t5\t1\t9\ta`), /what is no file: a/);
    assert.match(said('f\t644\t5\t2\t9\ta'), /links to a file that is not its own: a/);
    assert.equal(said('f\t644\t5\t2\t9\ta', 'f\t644\t5\t2\t9\tb'), 'ok');
    assert.match(said(`f\t644\t${2 ** 27}\t1\t9\ta`), /too large: a/);
    assert.match(said('d\t755\t0\t2\t8\tb'), /it holds no file/);
  });
});

const why = whyNoFetching();
if (why !== null) missing(why);
else
  describe('an archive', () => {
    let home: FetchingHome;
    before(async () => {
      home = await openFetchingHome();
    });
    after(() => home.close());
    const { signal } = new AbortController();
    const blobs = (): string[] =>
      existsSync(`${home.root}/var/lib/writ-target/blobs`)
        ? readdirSync(`${home.root}/var/lib/writ-target/blobs`)
        : [];
    let count = 0;
    const bring = async (bytes: Buffer, strip = 0) => {
      count += 1;
      const archive = home.serve(`archive-${count}`, bytes, { to: '/etc/opt/web/', unpack: true, strip });
      const done = await bringArchives(home.machine, [archive], signal);
      const list = await readArchiveList(home.machine, archive);
      assert.ok(list.ok);
      assert.ok(!existsSync(`${home.root}/var/lib/writ-fetch`), 'nothing is left of the work');
      return { said: saidOf(done), list: list.value };
    };
    const refused = async (bytes: Buffer, because: RegExp, strip = 0): Promise<void> => {
      const before = blobs();
      const { said, list } = await bring(bytes, strip);
      assert.match(said, /^artifact_unfit: https:/);
      assert.match(said, because);
      assert.equal(list, null);
      assert.deepEqual(blobs(), before);
    };
    const digest = (text: string): string => `sha256:${sha256Of(Buffer.from(text))}`;

    test('becomes blobs, and a list of what it holds', async () => {
      const bytes = home.pack(
        { 'web-1.0/index.html': 'page', 'web-1.0/bin/run': '#!', 'web-1.0/ü b': 'page' },
        [],
        (at) => {
          chmodSync(join(at, 'web-1.0/bin/run'), 0o4711);
          chmodSync(join(at, 'web-1.0/index.html'), 0o600);
        },
      );
      const { said, list } = await bring(bytes, 2);
      assert.equal(said, 'ok');
      assert.deepEqual(list, [
        { path: 'bin/run', digest: digest('#!'), mode: '0755' },
        { path: 'index.html', digest: digest('page'), mode: '0644' },
        { path: 'ü b', digest: digest('page'), mode: '0644' },
      ]);
      const names = [sha256Of(Buffer.from('#!')), sha256Of(Buffer.from('page'))].sort();
      assert.deepEqual(blobs().sort(), names);
      assert.equal(
        readFileSync(`${home.root}/var/lib/writ-target/blobs/${names[0]}`, 'utf8').length > 0,
        true,
      );
    });

    test('is unpacked by a user who owns nothing else, and what it becomes meanwhile is no blob', async () => {
      const archive = home.serve('owned', home.pack({ x: 'as it is' }), {
        to: '/etc/opt/web/',
        unpack: true,
      });
      const inFolder = '/var/lib/writ-fetch/unpacked/x';
      const owners: (number | undefined)[] = [];
      const machine: Machine = {
        ...home.machine,
        async run(argv, options) {
          const stats = argv[0] === 'find' ? await home.machine.stat([inFolder]) : null;
          if (stats?.ok === true) owners.push(stats.value[0]?.uid);
          return home.machine.run(argv, options);
        },
        async change(steps) {
          if (steps.some((step) => step.do === 'copy' && step.from === inFolder))
            await home.machine.write(inFolder, Buffer.from('another'), { mode: '0644', owner: 'root:root' });
          return home.machine.change(steps);
        },
      };
      assert.match(saidOf(await bringArchives(machine, [archive], signal)), /^file_changes: /);
      assert.deepEqual(owners, [65530]);
      assert.deepEqual(await readArchiveList(machine, archive), { ok: true, value: null });
    });

    test('needs the program that its bytes are compressed with', async () => {
      const archive = home.serve('odd', Buffer.from('\x1f\x9d\x90nothing', 'latin1'), {
        ...{ to: '/etc/opt/web/', unpack: true },
      });
      const machine: Machine = {
        ...home.machine,
        run: ([program, ...words], options) =>
          home.machine.run(
            [
              program,
              ...words.flatMap((word) => (word === 'tar' ? ['env', 'PATH=/nowhere', '/bin/tar'] : [word])),
            ],
            options,
          ),
      };
      const said = saidOf(await bringArchives(machine, [archive], signal));
      assert.match(said, /^program_missing: .*(compress|gzip).*Cannot exec/s);
    });

    test('is unpacked whatever it is compressed with', async () => {
      const plain = home.pack({ x: 'page' });
      for (const program of ['gzip', 'xz', 'zstd', 'bzip2']) {
        const packed = spawnSync(program, ['-c'], { input: plain });
        if (packed.error) missing(`${program}, to pack an archive`);
        else assert.equal((await bring(packed.stdout)).said, 'ok', program);
      }
    });

    test('has links to its own files as those files', async () => {
      const { said, list } = await bring(
        home.pack({ a: 'page' }, [], (at) => linkSync(join(at, 'a'), join(at, 'b'))),
      );
      assert.equal(said, 'ok');
      assert.deepEqual(
        list?.map(({ path, digest }) => [path, digest]),
        [
          ['a', digest('page')],
          ['b', digest('page')],
        ],
      );
    });

    test('threat 31: writes nowhere but into its folder', async () => {
      const outside = join(home.root, 'outside');
      const named = (transform: string) =>
        home.pack({ x: 'page' }, ['-P', `--transform=s,^,${transform},`, 'x']);
      await refused(named('../../../../outside/'), /outside of its folder: \.\.\//);
      await refused(named(`${outside}/`), /outside of its folder: \//);
      await refused(named('a/../../'), /outside of its folder: a\/\.\.\//);
      // A folder that all may write to, as /tmp is.
      mkdirSync(outside, { mode: 0o777 });
      chmodSync(outside, 0o777);
      await refused(named(`a/${outside}/`), /outside of its folder: a\/\//, 1);
      const timeless = home.pack({ x: 'page' }, [
        ...['--format=pax', '--pax-option=mtime:=9223372036854775807', '-P'],
        ...[`--transform=s,^,a/${outside}/b ,`, 'x'],
      ]);
      await refused(timeless, /tar lists it otherwise/, 1);
      assert.deepEqual(readdirSync(outside), []);
      rmSync(outside, { recursive: true });
      assert.ok(!existsSync(outside));
    });

    test('threat 31: with links, pipes or devices is refused', async () => {
      const special = (make: (at: string) => void) => home.pack({ x: 'page' }, [], make);
      await refused(
        special((at) => symlinkSync('/etc', join(at, 'l'))),
        /a symbolic link: \.\/l -> \/etc/,
      );
      await refused(
        special((at) => symlinkSync('x', join(at, 'l'))),
        /a symbolic link/,
      );
      await refused(
        special((at) => execFileSync('mkfifo', [join(at, 'p')])),
        /a pipe: \.\/p/,
      );
      await refused(
        special((at) => execFileSync('mknod', [join(at, 'n'), 'c', '1', '3'])),
        /a device: \.\/n/,
      );
      // A link to a file that is not in the archive.
      const gone = home.pack(
        { a: 'page', b: '' },
        ['a', 'b', '--transform=flags=h;s,^a$,/etc/passwd,'],
        (at) => {
          rmSync(join(at, 'b'));
          linkSync(join(at, 'a'), join(at, 'b'));
        },
      );
      await refused(gone, /passwd/);
    });

    test('that is none, breaks off or is too much is refused', async () => {
      await refused(Buffer.from('PK\u0003\u0004 no tar at all'), /does not look like a tar archive/);
      const whole = home.pack({ x: 'y'.repeat(100_000) });
      await refused(whole.subarray(0, 50_000), /[Uu]nexpected E/);
      await refused(
        home.pack({ x: '' }, ['--sparse', '.'], (at) => truncateSync(join(at, 'x'), 2 ** 30)),
        /too large: \.\/x/,
      );
      await refused(home.pack({}), /it holds no file/);
    });

    test('is fetched once for two places, and again where its list is gone or damaged', async () => {
      const bytes = home.pack({ x: 'page' });
      const archive = home.serve('twice', bytes, { to: '/etc/opt/a/', unpack: true });
      const asked = home.asked.length;
      const both = [archive, { ...archive, to: '/etc/opt/b/' }];
      assert.ok((await bringArchives(home.machine, both, signal)).ok);
      assert.equal(home.asked.length, asked + 1);
      const path = `/var/lib/writ-target/archives/${archiveListName(archive)}`;
      const how = { mode: '0600', owner: 'root:root' };
      for (const text of [
        '',
        '{}',
        '{"v":1,"files":[]}',
        '{"v":1,"files":[{"path":"../x","digest":"x","mode":"0644"}]}',
      ]) {
        await home.machine.write(path, Buffer.from(text), how);
        assert.deepEqual(await readArchiveList(home.machine, archive), { ok: true, value: null }, text);
      }
    });

    test('is left alone by who was told to stop', async () => {
      const archive = artifactOf({ url: `${home.url}/never`, unpack: true, to: '/etc/opt/web/' });
      const done = await bringArchives(home.machine, [archive], AbortSignal.abort());
      assert.equal(saidOf(done).split(':')[0], 'aborted');
    });
  });
