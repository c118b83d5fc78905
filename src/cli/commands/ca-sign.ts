import { toBytes } from '../../../schema/jose/digest.ts';
import { didYouMean } from '../../../schema/near.ts';
import { permit } from '../../../schema/x509/names.ts';
import { issuerPath, rootPath } from '../../config/ca/repo-authority.ts';
import { repoOption } from '../build-folder.ts';
import { type RelayKey, relayKeys } from '../ca/keys.ts';
import { openCaRepo, stateOf } from '../ca/repo.ts';
import { openCa, readCaOr, shortKey } from '../ca/root.ts';
import { defineCommand } from '../command.ts';
import { done, exits, fail } from '../outcome.ts';
import { confirm, passphraseFileOption } from '../passphrase.ts';
import { writeIntoRepo } from '../secrets/write.ts';
import { listed } from '../text.ts';

const usage = (detail: string) => fail(exits.usage, 'usage', `${detail} Nothing was signed.`);

export const caSign = defineCommand({
  name: 'ca sign',
  summary: 'Sign an intermediate of the private CA for each host whose guests need certificates',
  usage: '[HOST…]',
  more: [
    'Each relay has a key of its own, which never leaves its host, and tells the public half in the reports that it signs. Each is verified by the trust document on this computer. What is signed speaks for the names alone that the certificates in the repo have, and for the names of the guests that have them: a host that is taken cannot pass for a machine of another. It becomes ca/HOST.pem in the repo, and reaches the relay with the next release.',
    'Without HOST, those hosts are signed that lack it: new ones, new names, another key, or less than 90 days left.',
  ],
  examples: [
    { line: 'writ ca sign', about: 'whatever is missing; asks before it signs' },
    { line: 'writ ca sign pve1 --years 1', about: 'this host, for a year' },
    { line: 'writ ca sign --report pve1.jws', about: 'by a report from a file' },
  ],
  options: {
    ...repoOption,
    report: {
      type: 'list',
      value: 'FILE',
      about: 'a report of a relay, in place of asking (- for standard input)',
    },
    years: { type: 'text', value: 'N', about: '1 or 2 (default: 2)' },
    again: { type: 'flag', about: 'also those that need nothing' },
    'passphrase-file': passphraseFileOption,
    yes: { type: 'flag', about: 'do not ask' },
  },
  async run(context, hosts, values) {
    const years = Number(values.years ?? '2');
    if (years !== 1 && years !== 2) return usage('--years is 1 or 2.');
    const opened = openCaRepo(values.repo ?? '.');
    if (!opened.ok) return opened;
    const repo = opened.value;
    const ca = readCaOr(context.configDir);
    if (!ca.ok) return ca;
    const all = [...repo.names.keys()];
    const unknown = hosts.find((host) => !repo.names.has(host));
    if (unknown !== undefined)
      return usage(`No virtual machine of ${unknown} has certificates.${didYouMean(unknown, all)}`);
    const keys = await relayKeys(context, values.report);
    if (!keys.ok) return keys;
    const root = ca.value.certificate;
    const now = context.now();
    const wanted = hosts.length > 0 ? hosts : all;
    const news: { readonly host: string; readonly key: RelayKey; readonly why: string }[] = [];
    const silent: string[] = [];
    for (const host of wanted) {
      const key = keys.value.get(host) ?? null;
      const { state } = stateOf(repo, host, { root, key: key?.spki ?? null, now });
      if (state === 'signed' && !values.again && hosts.length === 0) continue;
      if (key === null) silent.push(host);
      else news.push({ host, key, why: state });
    }
    const silentText = `${listed(silent)} ${silent.length === 1 ? 'has' : 'have'} told no key yet: the relay is older, or trust lets nobody release to its guests.`;
    if (news.length === 0) {
      if (silent.length > 0)
        return fail(exits.unconfirmed, 'authority_key_unknown', `${silentText} Nothing was signed.`);
      return done('Every host that needs an intermediate has one.', { signed: [], silent });
    }
    const names = (host: string) => permit(repo.names.get(host)!);
    const lines = news.map(({ host, key }) => {
      const { dns, ips } = names(host);
      return `${host}  key ${shortKey(key.spki)}  for ${[...dns, ...ips].join(', ')}`;
    });
    context.terminal.err(`${lines.join('\n')}\n`);
    const agreed = await confirm(context, `Sign for ${listed(news.map(({ host }) => host))}?`, values.yes);
    if (agreed !== true) return agreed;
    const signer = await openCa(context, ca.value, values['passphrase-file']);
    if (!signer.ok) return signer;
    const files = new Map<string, Uint8Array>([[rootPath, toBytes(root)]]);
    for (const { host, key } of news) {
      files.set(issuerPath(host), toBytes(await signer.value.sign(host, key.spki, names(host), years)));
    }
    const written = writeIntoRepo(repo.root, files);
    if (!written.ok) return written;
    return done(
      [
        `Signed for ${listed(news.map(({ host }) => host))}. Commit ca/ with the repo. Next: writ deploy`,
        ...(silent.length > 0 ? [silentText] : []),
      ].join('\n'),
      {
        signed: news.map(({ host, key, why }) => ({
          host,
          file: issuerPath(host),
          key: shortKey(key.spki),
          why,
          ...names(host),
        })),
        silent,
      },
      silent.length > 0 ? exits.unconfirmed : exits.ok,
    );
  },
});
