import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeIdentity } from '../../src/cli/secrets/age.ts';
import { byHand } from '../examples/moving-in/homes.ts';
import { broughtTo, newPlace, onMachine, releaseOf } from '../examples/moving-in/moved.ts';
import { reportBy } from '../src/cli/home-fixture.ts';
import type { Ran } from '../src/cli/terminal-fixture.ts';
import { type Desk, startDesk } from '../support/deploy-desk.ts';
import { sectionOf, shellLines } from '../support/doc-lines.ts';
import { tarOf } from '../support/machine-copy.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/moving-in.md'), 'utf8');

/** What Podman of a machine tells of the secrets that its units name. */
const podmanSecrets = (names: readonly string[]): string =>
  JSON.stringify(
    names.map((Name) => ({ ID: Name, Spec: { Name, Driver: { Name: 'file' } }, SecretData: `of ${Name}` })),
  );

type Reader = {
  readonly repo: string;
  /** A line of the page, as its reader types it. */
  type(line: string): Promise<Ran>;
  /** The same, where it must go well. */
  does(line: string): Promise<string>;
};

/** Somebody with the page, a clean folder, and the home by hand. */
function readerOf(t: TestContext, desk: Desk, secrets: () => readonly string[]): Reader {
  const { folder, repo } = newPlace(t);
  let here = folder;
  const said = (out: string): Ran => ({ exit: 0, out, err: '' });
  const type = async (line: string): Promise<Ran> => {
    const [, name, paths, to] = /^ssh (\w+) sudo tar -C \/ -c (.+) > (\S+)$/.exec(line) ?? [];
    if (name !== undefined) {
      const machine = byHand.find((one) => one.name === name)!;
      writeFileSync(resolve(here, to!), tarOf(machine, paths!.split(' ')));
      return said('');
    }
    if (line.startsWith('cd ')) {
      here = resolve(here, line.slice(3));
      return said('');
    }
    if (line.startsWith('git ')) {
      const names = ['AUTHOR', 'COMMITTER'].flatMap((who) => [
        [`GIT_${who}_NAME`, 'owner'],
        [`GIT_${who}_EMAIL`, 'owner@example.net'],
      ]);
      const env = { PATH: process.env.PATH, HOME: folder, ...Object.fromEntries(names) };
      return said(execFileSync('sh', ['-c', line], { cwd: here, env, encoding: 'utf8' }));
    }
    const [before, command = before] = line.split(' | ') as [string, string?];
    const isPiped = command !== before;
    if (isPiped) assert.match(before, /^ssh secsvcs 'sudo podman secret inspect --showsecret /);
    const [program, ...words] = command.split(' ');
    assert.equal(program, 'writ', line);
    const placed = words.map((word) => (/\.tar$|^homelab$/.test(word) ? resolve(here, word) : word));
    const where = words[0] !== 'adopt' ? ['--repo', here] : words.includes('--into') ? [] : ['--into', here];
    return desk.writ([...placed, ...where], {
      answers: (question) => (/Passphrase|Once more/.test(question) ? 'correct horse battery staple' : 'y'),
      ...(isPiped && { input: podmanSecrets(secrets()) }),
    });
  };
  return {
    repo,
    type,
    async does(line) {
      const { exit, out, err } = await type(line);
      assert.equal(exit, 0, `${line}\n${out}${err}`);
      return out;
    },
  };
}

const lines = (heading: string, count: number): string[] => {
  const typed = shellLines(page, heading);
  assert.equal(typed.length, count, heading);
  return typed;
};

test('docs/moving-in.md: a reader who types the page moves the home by hand in', async (t) => {
  const desk = await startDesk(t);
  const [secsvcs, websvcs] = byHand;
  const listed = async (): Promise<string[]> => {
    const part = (await releaseOf(reader.repo)).manifest.parts.find(({ target }) => target === 'secsvcs')!;
    return [...new Set(part.apps.flatMap((app) => app.secrets.map(({ name }) => name)))];
  };
  let secrets: string[] = [];
  const reader = readerOf(t, desk, () => secrets);
  const brought = async (machine: string) => broughtTo(await releaseOf(reader.repo), machine);

  const [copyOne, adoptOne, cd, commitOne, deployOne] = lines('One service first', 5);
  await reader.does(copyOne!);
  assert.match(await reader.does(adoptOne!), /secsvcs: 1 file in 1 app/);
  for (const line of [cd!, commitOne!]) await reader.does(line);
  assert.match(await reader.does(deployOne!), /^secsvcs {2}deployed, healthy, synced$/m);

  const [copy, look, adopt, check] = lines('The rest of the machine', 4);
  await reader.does(copy!);
  const looked = await reader.type(look!);
  assert.deepEqual([looked.exit, /guacamole.*POSTGRESQL_PASSWORD/.test(looked.out)], [1, true]);
  assert.match(await reader.does(adopt!), /The repo has 1 file of secsvcs already/);
  assert.match(await reader.does(check!), /^No errors: 2\d apps on 1 machines/m);

  const [identity, recipients, take, checkSecrets] = lines('Its secrets', 4);
  const machine = await makeIdentity('classic');
  const report = await reportBy(desk.home.relays.pve1, {
    relay: 'pve1',
    seq: 9,
    recipients: { secsvcs: machine.recipient },
  });
  desk.answer(
    'GET /v1/relays/reports',
    (_, response) => void response.end(JSON.stringify({ reports: [{ relay: 'pve1', report }] })),
  );
  await reader.does(identity!);
  assert.match(await reader.does(recipients!), /^secsvcs +age1/m);
  desk.answer('GET /v1/relays/reports', null);
  secrets = await listed();
  assert.equal(secrets.length, 10);
  await reader.does(take!);
  assert.match(await reader.does(checkSecrets!), /^No errors: 10 secrets\./m);

  const [commit, dry, deploy] = lines('Nothing restarts', 3);
  await reader.does(commit!);
  assert.match(await reader.does(dry!), /Nothing was signed or uploaded/);
  assert.match(await reader.does(deploy!), /^secsvcs {2}deployed, healthy, synced$/m);
  const there = onMachine(secsvcs!, []);
  const first = await brought('secsvcs');
  for (const [path, text] of first) assert.equal(text, there.get(path), path);
  assert.equal(first.size, 54);

  const [copyTwo, adoptTwo, copyHost, adoptHost, commitTwo, deployTwo, dryAll] = lines('The next machine', 7);
  for (const line of [copyTwo!, adoptTwo!, copyHost!, adoptHost!, commitTwo!]) await reader.does(line);
  assert.deepEqual(await brought('secsvcs'), first);
  const second = await brought('websvcs');
  for (const [path, text] of second) assert.equal(text, onMachine(websvcs!, []).get(path), path);
  assert.equal(second.size, 44);
  assert.match(await reader.does(deployTwo!), /^websvcs {2}deployed, healthy, synced$/m);
  assert.match((await reader.type(dryAll!)).out, /\/etc\/haproxy\/haproxy\.cfg/);
  assert.equal(shellLines(page).length, 23, 'every line of the page is played');
});

test('docs/moving-in.md: options are the commands’, and pages and headings are there', async () => {
  const { commands } = await import('../../src/cli/commands.ts');
  const known = new Set(commands.flatMap(({ options }) => Object.keys(options)).concat('showsecret'));
  for (const [, option] of page.matchAll(/--([a-z][a-z-]+)/g)) assert.ok(known.has(option!), option);
  const links = [...page.matchAll(/\]\(([a-z-]+\.md)(?:#([a-z-]+))?\)/g)];
  assert.ok(links.length > 8);
  for (const [, file, anchor] of links) {
    const text = readFileSync(join(root, 'docs', file!), 'utf8');
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, one]) =>
      one!.toLowerCase().replaceAll(' ', '-'),
    );
    assert.ok(anchor === undefined || headings.includes(anchor), `${file}#${anchor}`);
  }
  for (const from of ['README.md', 'docs/adopt.md'])
    assert.match(readFileSync(join(root, from), 'utf8'), /\]\((docs\/)?moving-in\.md\)/, from);
  assert.match(sectionOf(page, 'What cannot be said'), /^\| what you have \|/m);
});
