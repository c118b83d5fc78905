import * as v from 'valibot';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { digestOf } from '../../../schema/jose/digest.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import { parseStrictJson } from '../../../schema/jose/strict-json.ts';
import { pathPatternSchema } from '../../../schema/trust/path-pattern.ts';
import { judgePath } from '../../../schema/trust/paths.ts';
import {
  acceptFirstTrust,
  acceptGenesisTrust,
  acceptNextTrust,
  followTrustChain,
} from '../../../schema/trust/read.ts';
import { trustChainSchema } from '../../../schema/wire/relay-api.ts';
import { makeTestHome, type TestHome } from '../../support/relay-home.ts';
import { type Target, textOf } from '../target.ts';

let made: Promise<TestHome> | null = null;
const openOnce = (): Promise<TestHome> => {
  made ??= makeTestHome({ origins: [{ url: 'https://writ.example.net' }] }).then(async (home) => {
    await home.amend((document) => ({
      ...document,
      identities: {
        ...document.identities,
        deploys: {
          kind: 'github',
          repository_id: '1296269',
          repository_owner_id: '583231',
          workflow: '.github/workflows/deploy.yml',
          ref: 'refs/heads/main',
          event_name: ['push', 'workflow_dispatch'],
          environment: 'home',
          min_run: 0,
          may: [{ action: 'release.apply', on: ['websvcs'], paths: ['/etc/opt/**'] }],
        },
      },
    }));
    return home;
  });
  return made;
};

const trust: Target = {
  name: 'trust',
  covers: [
    'schema/trust/read.ts:acceptFirstTrust',
    'schema/trust/read.ts:acceptGenesisTrust',
    'schema/trust/read.ts:acceptNextTrust',
    'schema/trust/read.ts:followTrustChain',
  ],
  async corpus() {
    const home = await openOnce();
    return [
      ...home.versions.map(({ payload }) => Buffer.from(payload, 'base64url')),
      JSON.stringify({ versions: home.versions }),
    ];
  },
  async open() {
    const home = await openOnce();
    const first = await acceptGenesisTrust(home.versions[0]!);
    if (!first.ok) throw new Error(first.reason);
    return async (input) => {
      const json = parseStrictJson(input, { maxBytes: 200_000 });
      const chain = json.ok ? v.safeParse(trustChainSchema, json.value) : null;
      if (chain?.success) {
        const followed = await followTrustChain(first.value, Object.values(chain.output)[0] as never);
        return followed.refusal === null ? null : { ok: false, ...followed.refusal };
      }
      const [header, , signature] = (await signJws('trust', input, home.root)).split('.') as [
        string,
        string,
        string,
      ];
      const jws = { payload: encodeBase64url(input), signatures: [{ protected: header, signature }] };
      const next = await acceptNextTrust(first.value, jws);
      const digest = await digestOf('trust', input);
      const alone = await acceptFirstTrust(jws, { digest });
      if (next.ok && !alone.ok) throw new Error(`it follows, and is refused alone: ${alone.reason}`);
      return alone;
    };
  },
};

const path: Target = {
  name: 'paths',
  covers: ['schema/trust/paths.ts:judgePath'],
  maxBytes: 4_000,
  words: ['/**', '/*', '/..', '/etc/containers/systemd/', '\u0000'],
  corpus: () => [
    '/etc/opt/**\n/etc/containers/systemd/*.container\n/etc/opt/a/b',
    '/srv/*/data/**\n/var/lib/*\n/srv/x/data/y',
    `${'/*'.repeat(30)}/**\n${'/a'.repeat(40)}`,
  ],
  open: () => (input) => {
    const lines = textOf(input).split('\n');
    // Patterns come out of trust, whose shape they have.
    const patterns = lines.slice(0, -1).filter((line) => v.is(pathPatternSchema, line));
    return judgePath(patterns, lines.at(-1)!);
  },
};

export const trustTargets: readonly Target[] = [trust, path];
