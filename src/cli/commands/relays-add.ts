import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { didYouMean } from '../../../schema/near.ts';
import { enrolmentKey, formatEnrolmentCode } from '../../../schema/wire/enrolment.ts';
import { ulidOf } from '../../../schema/wire/ids.ts';
import { enrolmentCodeLifetimeMs } from '../../../schema/wire/limits.ts';
import { anyAnswer } from '../api.ts';
import { defineCommand } from '../command.ts';
import { type PendingCode, readCodes, writeCodes } from '../home.ts';
import { done, exits, fail } from '../outcome.ts';
import { type RelayPackage, relayPackage } from '../relay-package.ts';
import { openSession, refreshTrust } from '../session.ts';

/**
 * What is pasted at a host's console. The package may come from anywhere: its digest is the one that this program was
 * built with, so that the certificate on the way there decides nothing. Proxmox VE has no sudo, and a new machine may
 * not have fetched any list of packages yet; where it cannot fetch some (an enterprise repository), others may do.
 */
export function lineFor(code: string, origin: string, built: RelayPackage | null): string {
  if (built === null) return `writ-relay enroll ${code}`;
  const file = 'writ-relay.deb';
  return [
    `wget -nv -T 20 -t 2 -O ${file} --no-check-certificate ${origin}/install/${file}`,
    `echo '${built.sha256}  ${file}' | sha256sum -c --quiet`,
    'S=$(command -v sudo || true)',
    '{ apt-cache show nodejs >/dev/null 2>&1 || $S apt-get -q update || true; }',
    `$S apt-get install -y ./${file}`,
    `$S writ-relay setup ${code}`,
  ].join(' && ');
}

export const relaysAdd = defineCommand({
  name: 'relays add',
  summary: 'Print one line for each host, to be pasted at its console',
  usage: 'HOST…',
  more: [
    'Each code holds where the control plane is and how it is recognised, your trust document’s digest, and a secret that works once and for 30 minutes. The control plane never sees the secret, so it cannot enrol a relay of its own. Next comes writ relays approve.',
  ],
  examples: [{ line: 'writ relays add cloud pve1 pve2', about: 'one code a host' }],
  options: {},
  async run(context, names) {
    const session = await openSession(context);
    if (!session.ok) return session;
    const { home, api } = session.value;
    const trust = await refreshTrust(session.value);
    if (!trust.ok) return trust;
    const { document, digest } = trust.value;
    for (const name of names) {
      if (!Object.hasOwn(document.house.hosts, name)) {
        return fail(
          exits.usage,
          'target_unknown',
          `There is no host ${name} in the house.${didYouMean(name, Object.keys(document.house.hosts))}`,
        );
      }
    }
    const kept = readCodes(home.directory);
    if (!kept.ok) return kept;
    const origin = document.origins[0]!;
    const made: PendingCode[] = [...new Set(names)].map((relay) => ({
      origin: origin.url,
      spki: origin.spki ?? null,
      home: home.file.home,
      relay,
      trust: digest,
      code: `enr_${ulidOf(context.now(), context.random(10))}`,
      secret: encodeBase64url(context.random(32)),
      expires: context.now() + enrolmentCodeLifetimeMs,
    }));
    // Kept before they are registered: a code that works but cannot be approved would be worse than one that does not.
    const others = kept.value.filter(({ expires }) => expires > context.now() - enrolmentCodeLifetimeMs);
    writeCodes(home.directory, [...others, ...made]);
    for (const code of made) {
      const registered = await api.call({
        method: 'POST',
        url: '/v1/relays/codes',
        body: {
          code: code.code,
          relay: code.relay,
          controller_key: await enrolmentKey(code.secret, 'controller'),
          expires: code.expires,
        },
        answer: anyAnswer,
      });
      if (!registered.ok) return registered;
    }
    const lines = made.map((code) => ({
      relay: code.relay,
      code: formatEnrolmentCode(code),
      line: lineFor(formatEnrolmentCode(code), origin.url, relayPackage),
      expires: code.expires,
    }));
    return done(
      [
        'Paste each line at the console of its host, within 30 minutes:',
        ...lines.flatMap(({ relay, line }) => ['', `  ${relay}:`, `  ${line}`]),
        '',
        ...(relayPackage === null
          ? ['This program was built without the relay’s package: install that on each host first.']
          : ['wget may warn of the certificate there: the digest is checked instead.']),
        'Then: writ relays approve',
      ].join('\n'),
      { codes: lines },
    );
  },
});
