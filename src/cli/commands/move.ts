import { join } from 'node:path';
import { parseSetupCode, type SetupCode, setupAnswerSchema } from '../../../schema/api/access.ts';
import { toBytes } from '../../../schema/jose/digest.ts';
import { acceptKey, fingerprint } from '../../../schema/jose/keys.ts';
import type { HouseFile } from '../../../schema/manifest/house.ts';
import { controllerName } from '../../../schema/trust/document.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { enrolmentMac } from '../../../schema/wire/enrolment.ts';
import { maxTrustUploadBytes, maxTrustUploadVersions } from '../../../schema/wire/limits.ts';
import type { Api } from '../api.ts';
import { defineCommand } from '../command.ts';
import { forgetAuditHead, type Home, writeHomeFile } from '../home.ts';
import { readHouseFrom } from '../house-source.ts';
import { newestOf, readChain } from '../kept-trust.ts';
import { moveControl } from '../make-trust.ts';
import { originOption, readOrigins } from '../origins.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { isOwnMachine } from '../own-machine.ts';
import { rootOptions } from '../root-key.ts';
import { keepRunbooks } from '../runbooks.ts';
import { apiOf, openSession } from '../session.ts';
import { signNext } from '../sign-trust.ts';
import { sendTrust } from '../upload-trust.ts';

export const move = defineCommand({
  name: 'move',
  summary: 'Move your home to another control plane, such as one in place of a lost one',
  usage: 'CODE',
  more: [
    'CODE is what writ serve printed on the new machine; - reads it from standard input. One new trust version names the new control plane’s key and address, and with it the old key orders nothing any more. Relays keep their keys and follow once they have that version: docs/lost-vm.md tells how they get it. Tokens of phones end: make new ones.',
  ],
  examples: [
    {
      line: 'writ move writ-setup.eyJ…',
      about: 'where the new one was made of a backup by writ restore',
    },
    { line: 'writ move writ-setup.eyJ… --house house.yaml', about: 'where there is no backup' },
  ],
  options: {
    house: { type: 'text', value: 'FILE', about: 'the house file, for a control plane without a backup' },
    origin: originOption,
    yes: { type: 'flag', about: 'do not ask' },
    ...rootOptions,
  },
  async run(context, [argument = ''], values) {
    const code = parseSetupCode(argument === '-' ? await context.terminal.input() : argument);
    if (!code.ok) return fail(exits.usage, code.reason, `That is no setup code: ${code.detail}.`);
    const session = await openSession(context, { offline: true });
    if (!session.ok) return session;
    const { home } = session.value;
    if (!home.file.trial && isOwnMachine(code.value.origin)) {
      return fail(
        exits.refused,
        'own_machine',
        `${code.value.origin} is this very machine. Whoever takes it would find your root key here too. Run writ move on your own computer.`,
      );
    }
    const origins = readOrigins(code.value, values.origin);
    if (!origins.ok) return origins;
    const controller = await acceptKey(code.value.controller);
    if (!controller.ok) {
      return fail(
        exits.refused,
        controller.reason,
        `The control plane's key is not acceptable: ${controller.detail}.`,
      );
    }
    const house = values.house === undefined ? null : readHouseFrom(values.house);
    if (house?.ok === false) return house;

    // From here on the home is where the code says, for the requests of this command alone.
    const { origin, spki } = code.value;
    const moved: Home = { ...home, file: { ...home.file, origin, spki } };
    const api = apiOf(context, moved);
    context.progress.say('Asking the new control plane');
    const found = await lookAt(api, home);
    if (!found.ok) return found;
    if (found.value === 'new' && house === null) {
      return fail(
        exits.usage,
        'house_missing',
        'The new control plane was not made of a backup, so it does not know your house. Name the house file: --house house.yaml. (Or run writ restore there first.)',
      );
    }

    let trust = home.trust;
    const { x } = controller.value.jwk;
    const named = trust.document.identities[controllerName];
    const isNamed =
      named?.kind === 'key' &&
      named.jwk.x === x &&
      JSON.stringify(trust.document.origins) === JSON.stringify(origins.value);
    // An earlier attempt may have come so far.
    if (!isNamed) {
      const next = {
        document: moveControl(
          trust,
          { controller: controller.value.jwk, origins: origins.value },
          context.now(),
        ),
        notes: [`The control plane at ${origin} takes the place of ${home.file.origin}.`],
        question: `Move ${home.file.home} to the control plane with the key ${fingerprint(controller.value.kid)}?`,
      };
      const signed = await signNext(context, { home: moved, api }, trust, next, { ...values, offline: true });
      if (!signed.ok) return signed;
      trust = signed.value.trust;
    }
    context.progress.say('Moving');
    const taken =
      found.value === 'new'
        ? await claim(api, { ...moved, trust }, code.value, house!.value)
        : await handTo(api, { ...moved, trust });
    if (!taken.ok) {
      return {
        ...taken,
        detail: `${taken.detail}\nTrust version ${trust.document.version} is signed and kept here. Run the same command again; if writ serve was started again, with its new code.`,
      };
    }
    writeHomeFile(home.directory, moved.file);
    if (house !== null && found.value === 'new') keepRunbooks(home.directory, house.value);
    // What was verified here before is the log of another control plane.
    forgetAuditHead(home.directory);
    return done(howRelaysLearn(home.directory, trust), {
      home: home.file.home,
      origin,
      version: trust.document.version,
      digest: trust.digest,
      trust_file: join(home.directory, 'trust.jws'),
      from_backup: found.value === 'restored',
    });
  },
});

/** What the new control plane is: made of a backup, or with nothing in it yet. It is given what this computer knows. */
async function lookAt(api: Api, home: Home): Promise<{ ok: true; value: 'restored' | 'new' } | Failure> {
  const known = await handTo(api, home);
  // It has the version that names it: an earlier attempt of this command arrived.
  if (known.ok || known.reason === 'controller_key_wrong') return { ok: true, value: 'restored' };
  if (known.reason === 'not_set_up') return { ok: true, value: 'new' };
  if (known.reason !== 'trust_version') return known;
  return fail(
    exits.refused,
    known.reason,
    `${known.detail}\nThis computer knows version ${home.trust.document.version}, and not that one: the backup is of another home, or of a time when trust was signed on another computer. Run writ move there. Nothing was signed.`,
  );
}

async function handTo(api: Api, home: Home) {
  const chain = readChain(home);
  return chain.ok ? sendTrust(api, chain.value, home.trust.digest) : chain;
}

/** Claims a new control plane for a home that had another one. */
async function claim(api: Api, home: Home, code: SetupCode, house: HouseFile) {
  const chain = readChain(home);
  if (!chain.ok) return chain;
  const { trust } = home;
  // Half of what is taken at once: the house file needs room as well.
  const before = newestOf(chain.value, maxTrustUploadBytes / 2, maxTrustUploadVersions).slice(0, -1);
  return api.call({
    method: 'POST',
    url: '/v1/setup',
    body: { trust: trust.jws, before, house, mac: await enrolmentMac(code.secret, toBytes(trust.digest)) },
    answer: setupAnswerSchema,
  });
}

function howRelaysLearn(directory: string, { document }: Trust): string {
  const file = join(directory, 'trust.jws');
  const { home, mirror, version, identities } = document;
  const relays = Object.entries(identities).flatMap(([name, { kind }]) => (kind === 'relay' ? [name] : []));
  return [
    `${home} has moved: trust version ${version} is in force at ${document.origins.map(({ url }) => url).join(', ')}.`,
    '',
    ...(relays.length === 0
      ? ['No relay is admitted yet: writ relays add']
      : [
          `Its relays (${relays.join(', ')}) keep their keys, and follow once they have that version:`,
          ...(mirror === null
            ? []
            : [`  - from the mirror, within minutes: put ${file} at ${mirror}`, '  - or at once, by hand:']),
          `    copy ${file} to each host, and run there: writ-relay trust install trust.jws`,
        ]),
    '',
    'Phones need new tokens: writ tokens create',
  ].join('\n');
}
