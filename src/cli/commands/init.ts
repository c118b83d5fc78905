import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { parseSetupCode, type SetupCode, setupAnswerSchema } from '../../../schema/api/access.ts';
import { decodeBase64url } from '../../../schema/jose/base64url.ts';
import { toBytes } from '../../../schema/jose/digest.ts';
import { acceptKey, generateKey } from '../../../schema/jose/keys.ts';
import { type HouseFile, type HouseFileInput, houseFileSchema } from '../../../schema/manifest/house.ts';
import type { Origin } from '../../../schema/trust/document.ts';
import { acceptGenesisTrust, signTrust, type Trust } from '../../../schema/trust/read.ts';
import { enrolmentMac } from '../../../schema/wire/enrolment.ts';
import { ulidOf } from '../../../schema/wire/ids.ts';
import { maxTrustChainBytes } from '../../../schema/wire/limits.ts';
import { trustChainSchema } from '../../../schema/wire/relay-api.ts';
import { type Api, createApi } from '../api.ts';
import { type Context, defineCommand } from '../command.ts';
import { makePrivateDirectory, renameDirectory } from '../files.ts';
import { type HomeFile, isHome, readHome, writeHome } from '../home.ts';
import { readHouseFrom } from '../house-source.ts';
import { firstTrust } from '../make-trust.ts';
import { originOption, readOrigins } from '../origins.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { isOwnMachine } from '../own-machine.ts';
import { paperLines, toPaper } from '../paper.ts';
import { newPassphrase, passphraseFileOption } from '../passphrase.ts';
import { keepRunbooks } from '../runbooks.ts';
import { type RootFile, sealRoot } from '../seal.ts';

export const init = defineCommand({
  name: 'init',
  summary: 'Make your keys and the first trust document, and claim a new control plane',
  usage: 'CODE',
  more: [
    'CODE is what writ serve printed; - reads it from standard input, so that it is seen in no list of processes. Run this on your own computer, not where the control plane runs: who takes that machine must not find your keys on it. Two root keys are made: one is kept here, encrypted under your passphrase, the other is printed once for you to keep on paper. Each is enough alone.',
  ],
  examples: [
    { line: 'writ init writ-setup.eyJ… --house house.yaml', about: 'claim it for the house of a file' },
    {
      line: 'writ init writ-setup.eyJ… --trial --config /tmp/trial',
      about: 'try it out, all on one machine',
    },
  ],
  options: {
    house: { type: 'text', value: 'FILE', about: 'the house file: hosts, guests, runbooks' },
    origin: originOption,
    'passphrase-file': passphraseFileOption,
    trial: {
      type: 'flag',
      about: 'no passphrase, and on the control plane’s own machine: for trying out only',
    },
  },
  async run(context, [argument = ''], values) {
    const code = parseSetupCode(argument === '-' ? await context.terminal.input() : argument);
    if (!code.ok) return fail(exits.usage, code.reason, `That is no setup code: ${code.detail}.`);
    if (!values.trial && isOwnMachine(code.value.origin)) {
      return fail(
        exits.refused,
        'own_machine',
        `${code.value.origin} is this very machine. Whoever takes it would find your root key here too. Run writ init on your own computer. (To try things out: --trial.)`,
      );
    }
    const origins = readOrigins(code.value, values.origin);
    if (!origins.ok) return origins;
    const house = readHouse(values.house);
    if (!house.ok) return house;

    const pending = `${context.configDir}.pending`;
    const resumed = await resumeClaim(context, pending);
    if (resumed !== null) return resumed;
    if (isHome(context.configDir)) {
      return fail(
        exits.refused,
        'home_exists',
        `${context.configDir} holds the keys of a home already. Name another directory with --config.`,
      );
    }
    if (existsSync(context.configDir) && readdirSync(context.configDir).length > 0) {
      return fail(
        exits.refused,
        'config_not_empty',
        `${context.configDir} is not empty. Name another directory with --config.`,
      );
    }
    const passphrase = values.trial ? null : await newPassphrase(context, values['passphrase-file']);
    if (passphrase !== null && !passphrase.ok) return passphrase;

    context.progress.say('Making keys');
    const made = await makeHome(context, code.value, origins.value, house.value, passphrase?.value ?? null);
    if (!made.ok) return made;
    const { trust, paper, file, root, operator } = made.value;
    makePrivateDirectory(dirname(pending));
    rmSync(pending, { recursive: true, force: true });
    makePrivateDirectory(pending);
    try {
      writeHome(pending, { file, operator: operator.secret, root, trust });
      keepRunbooks(pending, house.value);
    } catch (error) {
      // Keys that are not all on the disk are good for nothing, and nothing was sent yet.
      rmSync(pending, { recursive: true, force: true });
      throw error;
    }

    context.progress.say('Claiming the control plane');
    const api = createApi({ ...context, ...file, operator: operator.signing });
    const claimed = await api.call({
      method: 'POST',
      url: '/v1/setup',
      body: {
        trust: trust.jws,
        house: house.value,
        mac: await enrolmentMac(code.value.secret, toBytes(trust.digest)),
      },
      answer: setupAnswerSchema,
    });
    if (!claimed.ok) {
      if (claimed.ambiguous && (await isClaimed(api, trust)) !== true) {
        return {
          ...claimed,
          detail: `${claimed.detail}\nWhether the control plane was claimed is not known. The keys wait in ${pending}: run the same command again, it will find out.\nIf it was, this is your second root key, shown this once; write it on paper now: ${paper}`,
        };
      }
      if (!claimed.ambiguous) {
        rmSync(pending, { recursive: true, force: true });
        return {
          ...claimed,
          detail: `${claimed.detail}\nThe control plane was not claimed, and no key was kept.`,
        };
      }
    }
    renameDirectory(pending, context.configDir);
    return done(welcome(context.configDir, trust, paper, values.trial), {
      home: file.home,
      config: context.configDir,
      version: 1,
      digest: trust.digest,
      trial: values.trial,
      paper_root: paper,
    });
  },
});

type Made = {
  trust: Trust;
  /** The paper root's private key as it is printed. */
  paper: string;
  file: HomeFile;
  root: RootFile;
  operator: Awaited<ReturnType<typeof generateKey>>;
};

async function makeHome(
  context: Context,
  code: SetupCode,
  origins: readonly Origin[],
  house: HouseFile,
  passphrase: string | null,
): Promise<{ ok: true; value: Made } | Failure> {
  const controller = await acceptKey(code.controller);
  if (!controller.ok) {
    return fail(
      exits.refused,
      controller.reason,
      `The control plane's key is not acceptable: ${controller.detail}.`,
    );
  }
  const [desk, onPaper, operator] = await Promise.all([generateKey(), generateKey(), generateKey()]);
  const home = `h_${ulidOf(context.now(), context.random(10))}`;
  const document = firstTrust({
    home,
    now: context.now(),
    roots: [
      { kid: 'root-desk', jwk: desk.signing.jwk },
      { kid: 'root-paper', jwk: onPaper.signing.jwk },
    ],
    controller: controller.value.jwk,
    operator: operator.signing.jwk,
    origins,
    house,
  });
  if (!document.ok) return fail(exits.usage, document.reason, document.detail ?? 'The house is not valid.');
  // Judged by the rules that relays judge it by, before anything of it leaves this computer.
  const trust = await acceptGenesisTrust(await signTrust(document.value, [desk.signing]));
  if (!trust.ok)
    return fail(exits.usage, trust.reason, `No valid trust can be made of this house: ${trust.detail}.`);
  const seed = decodeBase64url(onPaper.secret.d);
  if (!seed.ok) throw new Error('a made key is canonical');
  return {
    ok: true,
    value: {
      trust: trust.value,
      paper: toPaper(seed.value),
      file: { v: 1, home, origin: code.origin, spki: code.spki, trial: passphrase === null },
      root:
        passphrase === null
          ? { v: 1, sealed: 'trial', secret: desk.secret }
          : await sealRoot(desk.secret, passphrase),
      operator,
    },
  };
}

/** Whether this trust is in force there; null when that cannot be found out. */
async function isClaimed(api: Api, trust: Trust): Promise<boolean | null> {
  const chain = await api.call({
    method: 'GET',
    url: '/v1/trust?after=0',
    answer: trustChainSchema,
    maxBytes: maxTrustChainBytes,
    timeoutMs: 10_000,
  });
  if (!chain.ok) return chain.exit === exits.unreachable || chain.ambiguous ? null : false;
  return chain.value.versions[0]?.payload === trust.jws.payload;
}

/** Finishes a claim whose answer was lost; null when there is none, or it never arrived. */
async function resumeClaim(
  context: Context,
  pending: string,
): Promise<ReturnType<typeof done> | Failure | null> {
  if (!isHome(pending)) return null;
  const home = await readHome(pending);
  if (!home.ok) return null;
  const { file, operator, trust } = home.value;
  const claimed = await isClaimed(createApi({ ...context, ...file, operator }), trust);
  if (claimed === null) {
    return fail(
      exits.unreachable,
      'unreachable',
      `${file.origin} cannot be asked whether an earlier claim of it arrived. The keys wait in ${pending}.`,
    );
  }
  if (!claimed) return null;
  renameDirectory(pending, context.configDir);
  return done(
    `The earlier claim had arrived: ${file.home} is yours, its keys are in ${context.configDir}.\nIts paper root was shown with the earlier attempt; if you did not write it down: writ trust rotate paper`,
    {
      home: file.home,
      config: context.configDir,
      version: 1,
      digest: trust.digest,
      trial: file.trial,
      paper_root: null,
    },
  );
}

function readHouse(file: string | undefined): { ok: true; value: HouseFile } | Failure {
  if (file === undefined) {
    const empty: HouseFileInput = { v: 1, hosts: {} };
    return { ok: true, value: v.parse(houseFileSchema, empty) };
  }
  return readHouseFrom(file);
}

function welcome(directory: string, trust: Trust, paper: string, trial: boolean): string {
  const { document } = trust;
  const hosts = Object.keys(document.house.hosts);
  return [
    `${document.home} is yours. Its keys are in ${directory}.`,
    '',
    'Your second root key. Write it on paper now and keep it away from this computer:',
    'it is not stored, and will not be shown again. The last group checks the others.',
    '',
    ...paperLines(paper),
    '',
    ...(trial
      ? ['This is a trial: the root key here is not encrypted. Never let it order a real house.', '']
      : []),
    hosts.length === 0
      ? 'The house is empty: describe it in a file, and run writ house set FILE.'
      : `Next: writ relays add ${hosts.join(' ')}`,
  ].join('\n');
}
