import { certificateIn, issuerPath, rootPath } from '../../config/ca/repo-authority.ts';
import { repoOption } from '../build-folder.ts';
import { type HostState, openCaRepo, stateOf } from '../ca/repo.ts';
import { readCa } from '../ca/root.ts';
import { defineCommand } from '../command.ts';
import { done, exits } from '../outcome.ts';
import { table } from '../text.ts';

const words: Readonly<Record<HostState, string>> = {
  signed: 'signed',
  missing: 'not signed',
  malformed: 'no certificate',
  other_root: 'signed by another root',
  other_key: 'signed for another key',
  names: 'signed, but not for',
  expires: 'ends soon',
};

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export const caList = defineCommand({
  name: 'ca list',
  summary: 'List the root and the intermediates of the private CA in a repo',
  usage: '',
  more: [
    'Nobody is asked. Which certificates apps have, and when they end, is told by writ targets and in /metrics. It exits with 1 where writ ca sign has something to do.',
  ],
  examples: [
    { line: 'writ ca list', about: 'a line for each host whose guests have certificates' },
    { line: 'writ ca list --json', about: 'the same for a script' },
  ],
  options: { ...repoOption },
  async run(context, _, values) {
    const opened = openCaRepo(values.repo ?? '.');
    if (!opened.ok) return opened;
    const repo = opened.value;
    const ca = readCa(context.configDir);
    if (!ca.ok) return ca;
    const own = ca.value?.certificate ?? null;
    const now = context.now();
    const root = certificateIn(repo.files, rootPath);
    const rootState =
      root === undefined
        ? 'missing'
        : root === null
          ? 'malformed'
          : own === null
            ? 'unknown'
            : root.pem === own
              ? 'own'
              : 'other';
    const hosts = [...repo.names.keys()].map((host) => ({
      host,
      file: issuerPath(host),
      ...stateOf(repo, host, { root: own, key: null, now }),
    }));
    const rows = hosts.map(({ host, state, expires, denied }) => [
      host,
      `${words[state]}${state === 'names' ? ` ${denied.join(', ')}` : ''}`,
      expires === null ? '' : `until ${day(expires)}`,
    ]);
    const rootWords = {
      missing: 'not there: writ ca init',
      malformed: 'no certificate',
      unknown: 'of another computer: this one has no private CA',
      other: 'not the one of this computer',
      own: 'of this computer',
    }[rootState];
    const until = root == null ? '' : `until ${day(root.read.notAfter)}`;
    const text = table([['root', rootWords, until], ...rows]);
    const fine =
      hosts.every(({ state }) => state === 'signed') &&
      (rootState === 'own' || rootState === 'unknown' || hosts.length === 0);
    return done(
      hosts.length === 0 ? `${text}\nNo app on a virtual machine has certificates.` : text,
      { root: { state: rootState, expires: root?.read.notAfter ?? null }, hosts },
      fine ? exits.ok : exits.failed,
    );
  },
});
