import * as v from 'valibot';
import { actionOf, actions } from '../../../schema/actions/index.ts';
import { releaseHeal } from '../../../schema/actions/release-heal.ts';
import { acceptKey, fingerprint, type PublicJwk } from '../../../schema/jose/keys.ts';
import { didYouMean } from '../../../schema/near.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import { limitSchema, type TrustGrant } from '../../../schema/trust/grant.ts';
import { releaseAction } from '../../../schema/wire/release-order.ts';
import { changeTrust, unsigned } from '../change-trust.ts';
import { defineCommand } from '../command.ts';
import { formatDeskCode, parseKey } from '../desk-codes.ts';
import { readTextFile } from '../files.ts';
import { judgeName, pathsOf } from '../name-identity.ts';
import type { Failure } from '../outcome.ts';
import { signingOptions } from '../sign-trust.ts';

export const trustAddKey = defineCommand({
  name: 'trust add-key',
  summary: 'Let another key order what you name, such as a second computer’s',
  usage: 'NAME [KEY]',
  more: [
    'KEY is what writ desk new prints on the other computer; it is public. What that key signs counts within these rights alone: the API lets it order nothing else, and relays do nothing else. There are no wildcards. Whether anything goes beyond, trust says in words before it is signed.',
  ],
  examples: [
    {
      line: 'writ trust add-key laptop writ-key.AbC… --may guest.start@gaming --may host.wake@pve2,6/1h',
      about: 'may start a guest, and wake a host at most six times an hour',
    },
    {
      line: 'writ trust add-key laptop writ-key.AbC… --may release.apply@websvcs --path /etc/opt/**',
      about: 'may release to websvcs, under /etc/opt',
    },
  ],
  options: {
    jwk: { type: 'text', value: 'FILE', about: 'the public key as a JWK in a file, or - for standard input' },
    may: {
      type: 'list',
      value: 'ACTION@TARGET[,LIMIT]',
      about: 'what it may order, such as guest.start@gaming,6/1h; may be repeated',
    },
    path: {
      type: 'list',
      value: 'GLOB',
      about:
        'what its releases may touch, such as /etc/opt/**; may be repeated; without it where apps keep theirs',
    },
    replace: { type: 'flag', about: 'in place of the key that has this name' },
    ...signingOptions,
  },
  async run(context, [name = '', argument], values) {
    const text = await textOfKey(argument, values.jwk, () => context.terminal.input());
    if (!text.ok) return text;
    const parsed = parseKey(text.value);
    if (!parsed.ok) return unsigned(`That is no public key: ${parsed.detail}.`);
    const key = await acceptKey(parsed.value);
    if (!key.ok) return unsigned(`That is no key that trust takes: ${key.detail ?? key.reason}.`);
    const paths = pathsOf(values.path);
    if (!paths.ok) return paths;
    if (values.may.length === 0) return unsigned('It needs what the key may order: --may ACTION@TARGET.');
    return changeTrust(context, values, {
      change: (document) =>
        withKey(document, name, key.value.jwk, { may: values.may, paths: paths.value }, values.replace),
      said: (version) =>
        `Trust version ${version} is signed: ${name} (${fingerprint(key.value.kid)}) may order that.`,
      left: ({ home: { file } }, trust) => [
        'On the other computer, where its key was made:',
        `  writ desk join ${formatDeskCode({ home: file.home, origin: file.origin, spki: file.spki, trust })}`,
      ],
      json: { name, kid: key.value.kid },
    });
  },
});

async function textOfKey(
  argument: string | undefined,
  file: string | undefined,
  input: () => Promise<string>,
): Promise<{ ok: true; value: string } | Failure> {
  if ((argument === undefined) === (file === undefined)) {
    return unsigned('It needs one key: what writ desk new prints, or --jwk FILE.');
  }
  if (argument === '-' || file === '-') return { ok: true, value: await input() };
  const text = argument ?? readTextFile(file!, 4096);
  return text === null ? unsigned(`There is no file ${file}.`) : { ok: true, value: text };
}

function withKey(
  document: TrustDocument,
  name: string,
  jwk: PublicJwk,
  wanted: { readonly may: readonly string[]; readonly paths: readonly string[] },
  replace: boolean,
): { ok: true; value: TrustDocument } | Failure {
  const named = judgeName(document, name, 'key', replace);
  if (!named.ok) return named;
  const holder = Object.entries(document.identities).find(
    ([other, identity]) => other !== name && 'jwk' in identity && identity.jwk.x === jwk.x,
  );
  if (holder !== undefined) {
    return unsigned(`That is the key of ${holder[0]}. Each has one of its own.`, 'identity_exists');
  }
  const may: TrustGrant[] = [];
  for (const text of wanted.may) {
    const right = readRight(document, text);
    if (!right.ok) return right;
    const { action, target, limit } = right.value;
    const of = may.find((grant) => grant.action === action && grant.limit === limit);
    if (of?.on.includes(target)) continue;
    if (may.some((grant) => grant.action === action && grant.on.includes(target))) {
      return unsigned(`${action}@${target} is named with two limits.`);
    }
    if (of !== undefined) of.on.push(target);
    else {
      const paths = action === releaseAction ? { paths: [...wanted.paths] } : {};
      may.push({ action, on: [target], ...(limit !== undefined && { limit }), ...paths });
    }
  }
  const identities = { ...document.identities, [name]: { kind: 'key' as const, jwk, may } };
  return { ok: true, value: { ...document, identities } };
}

type Right = { readonly action: string; readonly target: string; readonly limit: string | undefined };

/** `guest.start@gaming,6/1h`, where this house has such a target for such an action. */
function readRight(document: TrustDocument, text: string): { ok: true; value: Right } | Failure {
  const [, type = '', target = '', limit] = /^([^@,]+)@([^@,]+)(?:,(.+))?$/.exec(text) ?? [];
  if (type === '') return unsigned(`${text} is none of the form ACTION@TARGET, such as guest.start@gaming.`);
  if (limit !== undefined && !v.is(limitSchema, limit)) return unsigned(`${limit} is no limit such as 6/1h.`);
  if (type === releaseHeal.type) {
    return unsigned(`Relays do ${type} by themselves, and for no key: writ trust heal ${target}.`);
  }
  const action = actionOf(type);
  if (action === undefined)
    return unsigned(`There is no action ${type}.${didYouMean(type, Object.keys(actions))}`);
  const fits = action.relayFor(document.house, target);
  if (fits.ok) return { ok: true, value: { action: type, target, limit } };
  const star = /[*?]/.test(target) ? ' There are no wildcards: name each target.' : '';
  const names = [...Object.keys(document.house.hosts), ...Object.keys(document.house.guests)];
  return unsigned(
    `Nobody can do ${type} on ${target}: ${fits.detail ?? fits.reason}.${star || didYouMean(target, names)}`,
    'target_unknown',
  );
}
