import { existsSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import * as v from 'valibot';
import { homelabSchema } from '../../../schema/manifest/homelab.ts';
import {
  absolutePathSchema,
  addressSchema,
  domainSchema,
  placeSchema,
} from '../../../schema/manifest/values.ts';
import { nameSchema } from '../../../schema/wire/ids.ts';
import { type Adopted, adopt as adoptFiles } from '../../config/adopt/adopt.ts';
import type { Source } from '../../config/adopt/found.ts';
import type { ListedGuest, MachineFacts } from '../../config/adopt/machines.ts';
import { type PlaceRule, rootOf, treesIn } from '../../config/adopt/place.ts';
import type { Repo } from '../../config/repo.ts';
import { addFiles } from '../add-files.ts';
import { adoptJson, adoptText } from '../adopt-report.ts';
import { readSource } from '../adopt-source.ts';
import { readRepoFrom } from '../build-folder.ts';
import { defineCommand, type Options, type Values } from '../command.ts';
import { ignoredByGit } from '../git.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { replaceFolder } from '../output.ts';
import { listGuests } from '../proxmox-guests.ts';
import { createTemplateRenderer } from '../template-renderer.ts';
import { listed } from '../text.ts';

const refused = (detail: string, reason = 'usage'): Failure =>
  fail(exits.usage, reason, `${detail} Nothing was written.`);

const options = {
  on: { type: 'text', value: 'MACHINE', about: 'the machine that the files are of (needed)' },
  into: {
    type: 'text',
    value: 'REPO',
    about: 'the repo, made where it is not there (default: the current folder)',
  },
  'dry-run': { type: 'flag', about: 'say what would be written, and write nothing' },
  at: {
    type: 'text',
    value: 'PATH',
    about: 'where DIR itself lies on the machine (default: told by its folders)',
  },
  to: {
    type: 'list',
    value: '[FROM=]PLACE',
    about: 'where a file or folder of DIR lies on the machine, or all that nothing else places',
  },
  include: { type: 'list', value: 'PATTERN', about: 'take files that would be left out' },
  'include-secrets': { type: 'list', value: 'PATTERN', about: 'take files with keys or passwords in clear' },
  exclude: { type: 'list', value: 'PATTERN', about: 'leave files out' },
  owners: {
    type: 'flag',
    about: "the owners of DIR's files are the machine's (an archive always tells them)",
  },
  host: { type: 'text', value: 'HOST', about: 'the Proxmox VE host that the machine is a guest of' },
  vmid: { type: 'text', value: 'VMID', about: 'its VMID there' },
  kind: { type: 'text', value: 'KIND', about: 'qemu or lxc (default: qemu)' },
  address: { type: 'text', value: 'ADDRESS', about: 'its IPv4 address' },
  podman: { type: 'text', value: 'VERSION', about: 'the version of its Podman: which keys units may use' },
  domain: { type: 'text', value: 'DOMAIN', about: "the site's domain, for a new homelab.yaml" },
  proxmox: {
    type: 'text',
    value: 'URL',
    about: 'an API whose guests go into homelab.yaml: https://pve1:8006',
  },
  'token-file': {
    type: 'text',
    value: 'FILE',
    about: 'its token, USER@REALM!ID=SECRET, in a file of mode 600',
  },
  fingerprint: {
    type: 'text',
    value: 'SHA256',
    about: "of the API's certificate, where no authority signed it",
  },
} as const satisfies Options;

type Given = Values<typeof options>;

export const adopt = defineCommand({
  name: 'adopt',
  summary: 'Make a repo of the Quadlets and configs that a machine has',
  usage: 'DIR…',
  more: [
    'DIR is a folder or an archive of tar: a copy of the machine’s own paths (etc/…), unit files in one folder, or a folder for each app. What is written builds a release that brings the same files again, byte for byte; this is checked before anything is written, and a file that is there is never changed, but homelab.yaml, which gets the machine. For several machines it is called once for each.',
    'Links, what is no text, keys and passwords in clear, and files of accounts, SSH, apt and Proxmox VE are left out, and told.',
  ],
  examples: [
    {
      line: 'writ adopt secsvcs.tar --on secsvcs --host pve1 --vmid 101 --into homelab',
      about: 'makes a repo of what ssh secsvcs sudo tar -C / -c etc/containers etc/opt > secsvcs.tar copied',
    },
    {
      line: 'writ adopt ~/quadlets --on box --to configs=/etc/opt --dry-run',
      about: 'a folder of units, whose folder configs is /etc/opt on the machine',
    },
  ],
  options,
  async run({ progress, signal }, directories, given) {
    const { into = '.', at } = given;
    const facts = readFacts(given);
    if (!facts.ok) return facts;
    const rules = readRules(given.to);
    if (!rules.ok) return rules;
    if (at !== undefined && at !== '/' && !v.is(placeSchema, at))
      return refused(`${at} is no absolute path of a machine.`);
    progress.say('Reading');
    const sources: Source[] = [];
    for (const directory of directories) {
      if (existsSync(into) && existsSync(directory) && isInside(into, directory)) {
        return refused(`The repo ${into} is in ${directory}. Name one that is not with --into.`);
      }
      const source = readSource(directory, given.owners);
      if (!source.ok) return source;
      const trees = at === undefined && rootOf(source.value) === null ? treesIn(source.value) : [];
      if (trees.length > 0 && given.to.length === 0) {
        const each = trees.slice(0, 3).map((name) => `${directory}/${name}`);
        return refused(
          `${directory} holds folders that mirror a machine each: ${listed(trees)}. Adopt one machine at a time, such as writ adopt ${each[0]} --on ${trees[0]}; if they are apps of one machine, name them together: writ adopt ${each.join(' ')}.`,
          'several_trees',
        );
      }
      sources.push(source.value);
    }
    const repo = readTarget(into);
    if (!repo.ok) return repo;
    const guests = await readGuests(given, signal);
    if (!guests.ok) return guests;
    progress.say('Building');
    const renderer = createTemplateRenderer();
    let adopted: Adopted;
    try {
      adopted = await adoptFiles(
        {
          machine: facts.value,
          sources,
          rules: rules.value,
          choices: {
            include: given.include,
            includeSecrets: given['include-secrets'],
            exclude: given.exclude,
          },
          repo: repo.value,
          listed: guests.value,
          ...(at !== undefined && { at }),
          ...(given.domain !== undefined && { domain: given.domain }),
        },
        renderer.render,
      );
    } finally {
      await renderer.close();
    }
    progress.say('Writing');
    return await finish(adopted, facts.value.name, into, given['dry-run']);
  },
});

const podmanSchema = homelabSchema.entries.hosts;

function readFacts(given: Given): { ok: true; value: MachineFacts } | Failure {
  const { on, host, vmid, kind, address, podman, domain } = given;
  if (on === undefined) return refused('Which machine are the files of? --on MACHINE says it.');
  for (const name of [on, ...(host === undefined ? [] : [host])]) {
    if (!v.is(nameSchema, name))
      return refused(`${name} is no name for a machine: 1 to 31 of a-z, 0-9 and -, starting with a letter.`);
  }
  if ((host === undefined) !== (vmid === undefined))
    return refused('A guest needs both: --host HOST and --vmid VMID.');
  if (host === on) return refused(`${on} cannot be a guest of itself.`);
  const number = vmid === undefined ? undefined : Number(vmid);
  if (number !== undefined && !(Number.isSafeInteger(number) && number >= 100))
    return refused(`${vmid} is no VMID: a number from 100 on.`);
  if (kind !== undefined && kind !== 'qemu' && kind !== 'lxc')
    return refused(`A guest is of the kind qemu or lxc, not ${kind}.`);
  if (address !== undefined && !v.is(addressSchema, address))
    return refused(`${address} is no IPv4 address such as 192.168.20.11.`);
  if (podman !== undefined && !v.is(podmanSchema, { x: { podman } }))
    return refused(`${podman} is no version of Podman such as 5.4.`);
  if (domain !== undefined && !v.is(domainSchema, domain))
    return refused(`${domain} is no domain such as example.net, in lower case.`);
  return {
    ok: true,
    value: {
      name: on,
      ...(host !== undefined && { host }),
      ...(number !== undefined && { vmid: number }),
      ...(kind !== undefined && { kind }),
      ...(address !== undefined && { address }),
      ...(podman !== undefined && { podman }),
    },
  };
}

/** `configs=/etc/opt`, or `/etc/opt` for all that nothing else places. */
function readRules(texts: readonly string[]): { ok: true; value: PlaceRule[] } | Failure {
  const rules: PlaceRule[] = [];
  for (const text of texts) {
    const equals = text.startsWith('/') ? -1 : text.indexOf('=');
    const from = text.slice(0, Math.max(0, equals)).replace(/^\.\//, '').replace(/\/+$/, '');
    const to = text.slice(equals + 1);
    const isEmpty = equals >= 0 && from === '';
    if (isEmpty || !(v.is(placeSchema, to) || v.is(absolutePathSchema, to)))
      return refused(`${text} is no rule such as configs=/etc/opt, or /etc/opt alone.`);
    if (rules.some((rule) => rule.from === from))
      return refused(`--to says twice where ${from || 'the rest'} lies.`);
    rules.push({ from, to });
  }
  return { ok: true, value: rules };
}

const isInside = (path: string, folder: string): boolean => {
  const [inner, outer] = [realpathSync(path), realpathSync(folder)];
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
};

/** The repo to add to; empty where there is none yet. */
function readTarget(into: string): { ok: true; value: Repo } | Failure {
  if (!existsSync(into)) return { ok: true, value: { files: new Map(), findings: [] } };
  const repo = readRepoFrom(into);
  if (!repo.ok) return repo;
  const { files } = repo.value;
  if (files.has('house.yaml') && !files.has('homelab.yaml')) {
    return refused(
      `${into} has a house.yaml and no homelab.yaml: writ config migrate makes one of it.`,
      'house_first',
    );
  }
  return repo;
}

async function readGuests(
  { proxmox: url, 'token-file': tokenFile, fingerprint }: Given,
  signal: AbortSignal,
): Promise<{ ok: true; value: readonly ListedGuest[] } | Failure> {
  if (url === undefined) {
    if (tokenFile === undefined && fingerprint === undefined) return { ok: true, value: [] };
    return refused('--token-file and --fingerprint go with --proxmox URL.');
  }
  if (tokenFile === undefined)
    return refused('--proxmox needs --token-file FILE: a token may not stand in a command line.');
  return listGuests({ url, tokenFile, signal, ...(fingerprint !== undefined && { fingerprint }) });
}

async function finish(adopted: Adopted, machine: string, into: string, isDry: boolean) {
  const { files, blocking } = adopted;
  const written = [...files.keys()].sort();
  const lines = adoptText(adopted, machine);
  const isWritten = !isDry && blocking.length === 0;
  const json = { ...adoptJson(adopted), machine, repo: into, written: isWritten ? written : [] };
  if (blocking.length > 0) return done([...lines, 'Nothing was written.'].join('\n'), json, exits.failed);
  if (files.size === 0) {
    const isKnown = adopted.known > 0;
    const nothing = isKnown ? 'There is nothing new.' : 'There is nothing that can be adopted.';
    const all = [...lines, `${nothing} Nothing was written.`];
    return done(all.join('\n'), json, isKnown ? exits.ok : exits.failed);
  }
  if (isDry) {
    const would = [`Nothing was written: ${files.size} files would be, into ${into}.`];
    return done([...lines, ...would].join('\n'), { ...json, would_write: written });
  }
  write(files, into);
  const ignored = await ignoredByGit(into, written);
  const next = [
    `Wrote ${files.size} files into ${into}, whose release has the files of ${machine} byte for byte: ${adopted.digest}`,
    `Next: writ config check --repo ${into}, read what was left out, and commit it all.`,
  ];
  if (ignored.length > 0) {
    const few = listed([
      ...ignored.slice(0, 3),
      ...(ignored.length > 3 ? [`${ignored.length - 3} more`] : []),
    ]);
    next.push(
      `Git ignores ${few}, and without them the repo does not build: git add -f, or mend .gitignore.`,
    );
  }
  return done([...lines, ...next].join('\n'), { ...json, ignored });
}

/** Whole or not at all. A folder keeps what it has, but for homelab.yaml, which has the machine then. */
function write(files: Adopted['files'], into: string): void {
  if (!existsSync(into)) {
    replaceFolder(into, files);
    return;
  }
  const isThere = (path: string): boolean => existsSync(join(into, path));
  const added = new Map([...files].filter(([path]) => path !== '.gitattributes' || !isThere(path)));
  const replaced = ['homelab.yaml'].filter((path) => added.has(path) && isThere(path));
  addFiles(into, added, new Set(replaced));
}
