import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Machine, MachineResult } from '../../relay/machine/machine.ts';

/** A machine to be tested, and an empty folder on it that is the test's. */
export type Subject = { readonly machine: Machine; readonly folder: string };

const text = new TextEncoder();
const plain = { mode: '0644', owner: 'root:root' };
const limits = { timeoutMs: 10_000, maxBytes: 1_000_000 };

function got<T>(result: MachineResult<T>): T {
  assert.ok(result.ok, result.ok ? '' : `${result.reason}: ${result.detail}`);
  return result.value;
}
const reasonOf = (result: MachineResult<unknown>): string => (result.ok ? 'ok' : result.reason);

/** What every machine must do, as relay/machine/machine.ts says. */
export function machineContract(name: string, subject: () => Promise<Subject>): void {
  const check = (title: string, work: (given: Subject) => Promise<void>): void => {
    test(`${title} (${name})`, async () => work(await subject()));
  };

  check('a file is written and read back, with mode and owner', async ({ machine, folder }) => {
    const path = `${folder}/a.conf`;
    got(await machine.write(path, text.encode('one\n'), { mode: '0640', owner: '472:33' }));
    assert.equal(Buffer.from(got(await machine.read(path, 100))).toString(), 'one\n');
    const [stat] = got(await machine.stat([path]));
    assert.deepEqual(stat, { kind: 'file', mode: '0640', uid: 472, gid: 33, size: 4 });
    got(await machine.write(path, text.encode('two'), plain));
    assert.equal(Buffer.from(got(await machine.read(path, 100))).toString(), 'two');
    assert.deepEqual(got(await machine.list(folder, 10)), ['a.conf']);
  });

  check('bytes are kept whatever they are and however many', async ({ machine, folder }) => {
    const bytes = randomBytes(300_000);
    got(await machine.write(`${folder}/b`, bytes, plain));
    got(await machine.write(`${folder}/empty`, new Uint8Array(), plain));
    assert.deepEqual(Buffer.from(got(await machine.read(`${folder}/b`, 300_000))), bytes);
    assert.equal(reasonOf(await machine.read(`${folder}/b`, 299_999)), 'too_large');
    const digests = got(await machine.digest([`${folder}/b`, `${folder}/none`, `${folder}/empty`, folder]));
    const hash = (of: Uint8Array): string => `sha256:${createHash('sha256').update(of).digest('hex')}`;
    assert.deepEqual(digests, [hash(bytes), null, hash(new Uint8Array()), null]);
  });

  check('names may hold what a shell would read', async ({ machine, folder }) => {
    const names = ['$(id)', "it's", 'a b', '-rf', '*', ';x', 'ünï', '"', '`id`', '\\n'];
    for (const one of names) got(await machine.write(`${folder}/${one}`, text.encode(one), plain));
    assert.deepEqual(got(await machine.list(folder, 20)), [...names].sort());
    const stats = got(await machine.stat(names.map((one) => `${folder}/${one}`)));
    assert.deepEqual(
      stats.map((stat) => stat?.size),
      names.map((one) => text.encode(one).length),
    );
    for (const one of names) got(await machine.remove(`${folder}/${one}`));
    assert.deepEqual(got(await machine.list(folder, 20)), []);
  });

  check('a path of another form does nothing', async ({ machine, folder }) => {
    for (const path of [
      '',
      'etc/x',
      `${folder}/../x`,
      `${folder}//x`,
      `${folder}/`,
      `${folder}/./x`,
      `${folder}/a\nb`,
    ]) {
      assert.equal(reasonOf(await machine.write(path, text.encode('x'), plain)), 'bad_path', path);
      assert.equal(reasonOf(await machine.read(path, 10)), 'bad_path', path);
      assert.equal(reasonOf(await machine.remove(path)), 'bad_path', path);
      assert.equal(reasonOf(await machine.rename(path, `${folder}/y`)), 'bad_path', path);
      assert.equal(reasonOf(await machine.rename(`${folder}/y`, path)), 'bad_path', path);
    }
    assert.deepEqual(got(await machine.list(folder, 10)), []);
  });

  /** What an app with a folder of its own can do there: it puts a file and a link in each other's place for a while. */
  const swapping = `chdir $ARGV[0] or die; $) = '65534 65534'; $> = 65534;
    open my $f, '>', 'g' or die; symlink '../secret', 'l'; my $end = time + 3; while (time < $end) {
    rename 'l', 'f'; symlink '../secret', 'l'; link 'g', 'h'; rename 'h', 'f'; stat 'f'; stat 'g' }`;

  check('threat 31: no link is followed, on the way or at the end', async ({ machine, folder }) => {
    got(await machine.makeFolder(`${folder}/real`, { mode: '0755', owner: 'root:root' }));
    got(await machine.write(`${folder}/real/secret`, text.encode('s'), plain));
    for (const [from, to] of [
      ['real', 'link'],
      ['real/secret', 'to-secret'],
      ['nowhere', 'dangling'],
    ]) {
      const made = got(await machine.run(['ln', '-s', `${folder}/${from}`, `${folder}/${to}`], limits));
      assert.equal(made.code, 0);
    }
    assert.equal(reasonOf(await machine.read(`${folder}/link/secret`, 10)), 'symlink');
    assert.equal(reasonOf(await machine.read(`${folder}/to-secret`, 10)), 'symlink');
    assert.equal(reasonOf(await machine.write(`${folder}/link/new`, text.encode('x'), plain)), 'symlink');
    assert.equal(reasonOf(await machine.makeFolder(`${folder}/link`, plain)), 'symlink');
    assert.equal(
      reasonOf(await machine.setListing(`${folder}/to-secret`, { mode: '0777', owner: '1:1' })),
      'symlink',
    );
    assert.deepEqual(got(await machine.digest([`${folder}/to-secret`, `${folder}/link/secret`])), [
      null,
      null,
    ]);
    // Writing replaces a link; what it stood for stays.
    got(await machine.write(`${folder}/dangling`, text.encode('x'), plain));
    got(await machine.write(`${folder}/to-secret`, text.encode('mine'), plain));
    got(await machine.remove(`${folder}/link`));
    assert.equal(Buffer.from(got(await machine.read(`${folder}/real/secret`, 10))).toString(), 's');
    assert.deepEqual(got(await machine.list(`${folder}/real`, 10)), ['secret']);
    assert.deepEqual(got(await machine.list(folder, 10)), ['dangling', 'real', 'to-secret']);
    const [stat] = got(await machine.stat([`${folder}/real/secret`]));
    assert.equal(stat?.mode, '0644');
  });

  check('threat 31: a link that takes the place of a file meanwhile is not followed', async (subject) => {
    const { machine, folder } = subject;
    got(await machine.write(`${folder}/secret`, text.encode('s'), { mode: '0600', owner: '0:0' }));
    got(await machine.makeFolder(`${folder}/app`, { mode: '0755', owner: '65534:65534' }));
    got(await machine.write(`${folder}/app/f`, text.encode('f'), { mode: '0600', owner: '65534:65534' }));
    const ended = machine.run(['perl', '-e', swapping, `${folder}/app`], limits);
    let isOver = false;
    void ended.finally(() => {
      isOver = true;
    });
    while (!isOver) await machine.setListing(`${folder}/app/f`, { mode: '0666', owner: '65534:65534' });
    assert.equal(got(await ended).code, 0);
    const [stat] = got(await machine.stat([`${folder}/secret`]));
    assert.deepEqual([stat?.mode, stat?.uid], ['0600', 0]);
  });

  check('a link is put there, and replaces a file or link', async ({ machine, folder }) => {
    const link = (at: string, to: string) => machine.change([{ do: 'link', path: at, to }]);
    const path = `${folder}/a`;
    got(await link(path, '/run/a b/c'));
    const [stat] = got(await machine.stat([path]));
    assert.deepEqual([stat?.kind, stat?.to], ['link', '/run/a b/c']);
    got(await machine.write(`${folder}/kept`, text.encode('kept'), plain));
    got(await link(path, `${folder}/kept`));
    got(await link(path, `${folder}/none`));
    got(await machine.write(`${folder}/file`, text.encode('x'), plain));
    got(await link(`${folder}/file`, `${folder}/kept`));
    assert.equal(Buffer.from(got(await machine.read(`${folder}/kept`, 10))).toString(), 'kept');
    got(await machine.makeFolder(`${folder}/d`, { mode: '0755', owner: 'root:root' }));
    assert.equal(reasonOf(await link(`${folder}/d`, '/x')), 'not_a_file');
    assert.equal(reasonOf(await link(`${folder}/e`, '../x')), 'bad_path');
    assert.equal(reasonOf(await link(`${folder}/e/../f`, '/x')), 'bad_path');
    assert.equal(reasonOf(await link(`${folder}/file/f`, '/x')), 'symlink');
    assert.equal(reasonOf(await link(`${folder}/none/f`, '/x')), 'not_found');
    assert.deepEqual(got(await machine.list(folder, 10)), ['a', 'd', 'file', 'kept']);
  });

  check('folders are made, emptied and removed', async ({ machine, folder }) => {
    assert.equal(reasonOf(await machine.makeFolder(`${folder}/x/y`, plain)), 'not_found');
    got(await machine.makeFolder(`${folder}/x`, { mode: '0750', owner: '0:33' }));
    got(await machine.makeFolder(`${folder}/x`, { mode: '0711', owner: '5:5' }));
    const [stat] = got(await machine.stat([`${folder}/x`]));
    assert.deepEqual([stat?.kind, stat?.mode, stat?.uid, stat?.gid], ['folder', '0711', 5, 5]);
    got(await machine.write(`${folder}/x/f`, text.encode('f'), plain));
    assert.equal(reasonOf(await machine.remove(`${folder}/x`)), 'not_empty');
    assert.equal(reasonOf(await machine.makeFolder(`${folder}/x/f`, plain)), 'exists');
    assert.equal(reasonOf(await machine.write(`${folder}/x`, text.encode('f'), plain)), 'not_a_file');
    got(await machine.remove(`${folder}/x/f`));
    got(await machine.remove(`${folder}/x`));
    got(await machine.remove(`${folder}/x`));
    got(await machine.remove(`${folder}/x/none`));
    assert.deepEqual(
      got(await machine.stat([`${folder}/x`, folder])).map((one) => one?.kind),
      [undefined, 'folder'],
    );
  });

  check('a rename replaces a file and never a folder', async ({ machine, folder }) => {
    got(await machine.write(`${folder}/a`, text.encode('a'), plain));
    got(await machine.write(`${folder}/b`, text.encode('b'), plain));
    got(await machine.makeFolder(`${folder}/d`, plain));
    got(await machine.rename(`${folder}/a`, `${folder}/b`));
    assert.equal(Buffer.from(got(await machine.read(`${folder}/b`, 10))).toString(), 'a');
    assert.equal(reasonOf(await machine.rename(`${folder}/b`, `${folder}/d`)), 'exists');
    assert.equal(reasonOf(await machine.rename(`${folder}/none`, `${folder}/c`)), 'not_found');
    assert.deepEqual(got(await machine.list(folder, 10)), ['b', 'd']);
  });

  check('much is seen at one look', async ({ machine, folder }) => {
    got(await machine.write(`${folder}/a`, text.encode('aa'), { mode: '0640', owner: '7:8' }));
    got(await machine.run(['ln', '-s', folder, `${folder}/link`], limits));
    const look = {
      read: [`${folder}/a`, `${folder}/none`, folder],
      maxBytes: 1000,
      paths: [`${folder}/a`, folder, `${folder}/none/x`, `${folder}/link`, `${folder}/link/a`],
      owners: ['root:root', 'nobody-of-this-name:root'],
      units: [],
    };
    const seen = got(await machine.look(look));
    assert.deepEqual(
      seen.read.map((bytes) => bytes && Buffer.from(bytes).toString()),
      ['aa', null, null],
    );
    assert.deepEqual(seen.paths[0], {
      stat: { kind: 'file', mode: '0640', uid: 7, gid: 8, size: 2 },
      digest: `sha256:${createHash('sha256').update('aa').digest('hex')}`,
    });
    assert.deepEqual(
      seen.paths.map(({ stat, digest }) => `${stat?.kind} ${digest === null}`),
      ['file false', 'folder true', 'undefined true', 'link true', 'undefined true'],
    );
    assert.deepEqual([seen.owners, seen.units], [[{ uid: 0, gid: 0 }, null], []]);
    assert.equal(reasonOf(await machine.look({ ...look, maxBytes: 1 })), 'too_large');
    assert.equal(reasonOf(await machine.look({ ...look, paths: ['/etc/../x'] })), 'bad_path');
    const many = Array.from({ length: 900 }, (_, index) => `${folder}/${'n'.repeat(60)}${index}`);
    const more = got(await machine.look({ ...look, paths: [...many, `${folder}/a`] }));
    assert.deepEqual([more.paths.length, more.paths.at(-1), more.read.length], [901, seen.paths[0], 3]);
  });

  check('many files are written, each whole', async ({ machine, folder }) => {
    const sizes = [0, 1, 100, 5_000, 20_000, 20_000, 20_000, 90_000, 3];
    const files = sizes.map((size, index) => ({
      path: `${folder}/${index}`,
      bytes: randomBytes(size),
      mode: '0604',
      owner: '5:6',
    }));
    got(await machine.write(`${folder}/2`, text.encode('before'), plain));
    got(await machine.writeAll(files));
    for (const { path, bytes } of files) {
      assert.deepEqual(Buffer.from(got(await machine.read(path, 100_000))), bytes, path);
    }
    const [stat] = got(await machine.stat([`${folder}/2`]));
    assert.deepEqual([stat?.mode, stat?.uid, stat?.gid], ['0604', 5, 6]);
    assert.equal(got(await machine.list(folder, 99)).length, sizes.length, 'nothing else is left there');
    const first = { ...files[0]!, path: `${folder}/new` };
    const bad = await machine.writeAll([first, { ...first, path: `${folder}/none/x` }]);
    assert.equal(reasonOf(bad), 'not_found');
    got(await machine.writeAll([]));
  });

  check('changes are made in their order, up to the first that fails', async ({ machine, folder }) => {
    got(await machine.write(`${folder}/from`, text.encode('bytes'), plain));
    const how = { mode: '0750', owner: '5:6' };
    got(
      await machine.change([
        { do: 'folder', path: `${folder}/x`, ...how },
        { do: 'copy', from: `${folder}/from`, path: `${folder}/x/y`, ...how },
        { do: 'remove', path: `${folder}/x` },
        { do: 'listing', path: `${folder}/x/y`, mode: '0600', owner: '0:0' },
        { do: 'remove', path: `${folder}/none` },
        { do: 'folder', path: `${folder}/gone`, ...how },
        { do: 'remove', path: `${folder}/gone` },
        { do: 'folder', path: `${folder}/gone`, ...how },
        { do: 'copy', from: `${folder}/from`, path: `${folder}/gone/z`, ...how },
      ]),
    );
    assert.equal(Buffer.from(got(await machine.read(`${folder}/x/y`, 10))).toString(), 'bytes');
    const [y, gone] = got(await machine.stat([`${folder}/x/y`, `${folder}/gone`]));
    assert.deepEqual([y?.mode, y?.uid, gone?.mode, gone?.gid], ['0600', 0, '0750', 6]);
    assert.deepEqual(got(await machine.list(`${folder}/gone`, 9)), ['z']);
    const failed = await machine.change([
      { do: 'remove', path: `${folder}/x/y` },
      { do: 'copy', from: `${folder}/none`, path: `${folder}/x/a`, ...how },
      { do: 'remove', path: `${folder}/from` },
    ]);
    assert.equal(reasonOf(failed), 'not_found');
    assert.deepEqual(got(await machine.list(folder, 9)), ['from', 'gone', 'x']);
    got(await machine.run(['ln', '-s', `${folder}/x`, `${folder}/link`], limits));
    assert.equal(
      reasonOf(await machine.change([{ do: 'folder', path: `${folder}/link`, ...how }])),
      'symlink',
    );
    const through = { do: 'copy', from: `${folder}/from`, path: `${folder}/link/a`, ...how } as const;
    assert.equal(reasonOf(await machine.change([through])), 'symlink');
    assert.deepEqual(got(await machine.list(`${folder}/x`, 9)), []);
    const many = Array.from({ length: 200 }, (_, index) => ({
      do: 'folder' as const,
      path: `${folder}/x/${index}`,
      ...how,
    }));
    got(await machine.change(many));
    assert.equal(got(await machine.list(`${folder}/x`, 999)).length, 200);
    assert.equal(reasonOf(await machine.change([{ do: 'remove', path: '/etc/../x' }])), 'bad_path');
  });

  check('what is no file is not read, and a missing owner is told', async ({ machine, folder }) => {
    assert.equal(got(await machine.run(['mkfifo', `${folder}/pipe`], limits)).code, 0);
    assert.equal(reasonOf(await machine.read(`${folder}/pipe`, 10)), 'not_a_file');
    assert.equal(reasonOf(await machine.read(folder, 10)), 'not_a_file');
    assert.equal(reasonOf(await machine.read(`${folder}/none`, 10)), 'not_found');
    assert.equal(reasonOf(await machine.list(`${folder}/none`, 10)), 'not_found');
    assert.equal(reasonOf(await machine.list(`${folder}/pipe`, 10)), 'not_a_folder');
    assert.equal(reasonOf(await machine.list(folder, 0)), 'too_large');
    assert.deepEqual(got(await machine.findOwners(['root:root', 'nobody-of-this-name:root', '7:8'])), [
      { uid: 0, gid: 0 },
      null,
      { uid: 7, gid: 8 },
    ]);
    const foreign = { mode: '0600', owner: 'nobody-of-this-name:root' };
    assert.equal(reasonOf(await machine.write(`${folder}/x`, text.encode('x'), foreign)), 'owner_unknown');
    assert.deepEqual(got(await machine.list(folder, 10)), ['pipe']);
  });

  check('threat 16: a program gets its words and its input as they are', async ({ machine, folder }) => {
    const words = ['$(touch x)', '; reboot', '`id`', "'", '"', '', '*', 'a\nb', '-n', '--', 'ü'];
    const printed = got(await machine.run(['printf', '%s\\n--\\n', ...words], limits));
    assert.equal(printed.code, 0);
    assert.equal(Buffer.from(printed.stdout).toString(), words.map((word) => `${word}\n--\n`).join(''));
    const bytes = randomBytes(200_000);
    const echoed = got(await machine.run(['cat'], { ...limits, stdin: bytes }));
    assert.deepEqual(Buffer.from(echoed.stdout), bytes);
    const env = got(await machine.run(['printenv', 'WRIT_X', 'LANG'], { ...limits, env: { WRIT_X: 'a b' } }));
    assert.equal(Buffer.from(env.stdout).toString(), 'a b\nC.UTF-8\n');
    assert.equal(Buffer.from(got(await machine.run(['pwd'], limits)).stdout).toString(), '/\n');
    assert.deepEqual(got(await machine.list(folder, 10)), []);
  });

  check('exit codes, signals and stderr are told', async ({ machine }) => {
    const failed = got(await machine.run(['ls', '/none-of-this-name'], limits));
    assert.equal(failed.code, 2);
    assert.match(Buffer.from(failed.stderr).toString(), /none-of-this-name/);
    assert.equal(got(await machine.run(['sh', '-c', 'kill -TERM $$'], limits)).code, 143);
    assert.equal(reasonOf(await machine.run(['no-program-of-this-name'], limits)), 'program_missing');
  });

  check('a program that does not end, or prints for ever, is ended', async ({ machine }) => {
    assert.equal(reasonOf(await machine.run(['sleep', '600'], { ...limits, timeoutMs: 300 })), 'timeout');
    assert.equal(reasonOf(await machine.run(['yes'], { ...limits, maxBytes: 10_000 })), 'too_large');
    const stop = new AbortController();
    const running = machine.run(['sleep', '600'], { ...limits, signal: stop.signal });
    stop.abort();
    assert.equal(reasonOf(await running), 'aborted');
    assert.equal(reasonOf(await machine.run(['true'], { ...limits, signal: stop.signal })), 'aborted');
  });
}
