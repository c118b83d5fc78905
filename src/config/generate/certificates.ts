import * as v from 'valibot';
import { domainSchema, hostNameSchema, oneOrMany } from '../../../schema/manifest/values.ts';
import { didYouMean } from '../../../schema/near.ts';
import { nameSchema } from '../../../schema/wire/ids.ts';
import { recordOf } from '../../../schema/wire/record.ts';
import { certOf } from '../compile/certs.ts';
import { machineNames, machineOf, wholeName } from '../compile/routes.ts';
import type { Home } from '../home.ts';
import { byText } from '../repo.ts';
import type { Generator, Tell } from './generator.ts';
import { isTree } from './shared/merge.ts';
import { textBy } from './shared/outputs.ts';

const certificatesOptionsSchema = v.strictObject({
  issuers: v.pipe(
    v.optional(oneOrMany(domainSchema), ['letsencrypt.org']),
    v.description('Authorities that may make certificates, by the domain that they look for.'),
  ),
  account: v.pipe(
    v.optional(
      v.pipe(
        v.string(),
        v.maxLength(500),
        v.regex(/^https:\/\/[A-Za-z0-9._~:/?&=%-]+$/, 'must be an https address'),
      ),
    ),
    v.description('The account at the authority, by its address: no other account gets a certificate.'),
  ),
  methods: v.pipe(
    v.optional(oneOrMany(v.picklist(['dns-01', 'http-01', 'tls-alpn-01'])), ['dns-01']),
    v.description('How a name may be proven.'),
  ),
  ttl: v.pipe(
    v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(60), v.maxValue(604_800)), 3600),
    v.description('Seconds that an answer is kept.'),
  ),
  names: v.pipe(
    v.optional(recordOf(hostNameSchema, nameSchema), {}),
    v.description('Names that need a certificate and have no route, each with the machine that has it.'),
  ),
});
type Options = v.InferOutput<typeof certificatesOptionsSchema>;

/** What certificates the home needs, and who may make them. */
export const certificates: Generator = {
  name: 'certificates',
  about: 'who may make certificates of the home’s names, and which there are to be',
  options: certificatesOptionsSchema,
  outputs: {
    caa: {
      about: 'CAA records as lines of a zone file, for the public DNS',
      kind: 'file',
      needed: () => [],
      generate: textBy(certificatesOptionsSchema, ({ home, instance }, options, tell) =>
        [
          `; Made by Writ for apps/${instance.app}/app.yaml (generate: certificates/caa).`,
          ...caaLines(home, options, tell),
          '',
        ].join('\n'),
      ),
    },
    names: {
      about: 'every certificate as JSON: by name, machine, and who makes it',
      kind: 'file',
      needed: () => [],
      generate: textBy(
        certificatesOptionsSchema,
        ({ home }, options, tell) =>
          `${JSON.stringify({ public: publicNames(home, options, tell), private: privateNames(home) }, null, 2)}\n`,
      ),
    },
  },
};

type PublicName = {
  readonly name: string;
  /** The machine that holds the certificate. */
  readonly machine: string;
  readonly apps: readonly string[];
  /** `public`: reached from outside, too. */
  readonly reach: 'public' | 'home';
  /** The proxy's resolver; null: the app, or its owner, sees to it. */
  readonly resolver: string | null;
};

/** Names of routes and of the option, sorted; the machine that opens the connection holds the certificate. */
function publicNames(home: Home, { names }: Options, tell: Tell): PublicName[] {
  const found = new Map<string, PublicName>();
  const first = firstResolver(home);
  for (const route of home.routes) {
    // What is handed on as it comes and is no TLS has no certificate.
    if (route.scheme === 'tcp' && !route.passthrough && route.resolver === undefined) continue;
    for (const name of route.hosts) {
      const known = found.get(name);
      found.set(name, {
        name,
        machine: route.passthrough ? route.target : route.proxy,
        apps: [...new Set([...(known?.apps ?? []), route.app])].sort(byText),
        reach: route.public || known?.reach === 'public' ? 'public' : 'home',
        resolver: route.passthrough ? null : (route.resolver ?? known?.resolver ?? first),
      });
    }
  }
  for (const [short, machine] of Object.entries(names)) {
    const name = wholeName(short, home.site.domain);
    if (machineOf(home, machine) === undefined) {
      const message = `options.names.${short}: there is no guest, host or device ${machine}`;
      const suggestion = didYouMean(machine, machineNames(home)).trim();
      tell({ severity: 'error', code: 'unknown_target', message, ...(suggestion !== '' && { suggestion }) });
    }
    if (found.has(name)) {
      tell({ severity: 'warning', code: 'name_twice', message: `${name} is the name of a route already` });
    } else found.set(name, { name, machine, apps: [], reach: 'home', resolver: null });
  }
  return [...found.values()].sort((a, b) => byText(a.name, b.name));
}

function firstResolver(home: Home): string | null {
  const given = Object.hasOwn(home.generators, 'traefik')
    ? home.generators.traefik!.options.resolvers
    : undefined;
  return isTree(given) ? (Object.keys(given)[0] ?? null) : null;
}

/** Leaves of the private CA, with their files. */
const privateNames = (home: Home) =>
  home.instances
    .flatMap(({ app, target }) =>
      home.apps[app]!.file.certs.map((cert) => {
        const { name, kind, names, cert: file, key, ca } = certOf(home, app, target, cert);
        return { machine: target, app, name, kind, names, cert: file, key, ca };
      }),
    )
    .sort((a, b) => byText(a.machine, b.machine) || byText(a.app, b.app) || byText(a.name, b.name));

/** Of the domain, which speaks for all below it, and of names that are not below it. */
function caaLines(home: Home, options: Options, tell: Tell): string[] {
  const { issuers, account, methods, ttl } = options;
  const { domain, email } = home.site;
  const names = publicNames(home, options, tell).map(({ name }) => name);
  const zones = [
    domain,
    ...names
      .map((name) => name.replace(/^\*\./, ''))
      .filter((name) => name !== domain && !name.endsWith(`.${domain}`)),
  ];
  return [...new Set(zones)].flatMap((zone) => {
    const isWild = names.some(
      (name) => name.startsWith('*.') && (name === `*.${zone}` || name.endsWith(`.${zone}`)),
    );
    const terms = [
      `validationmethods=${methods.join(',')}`,
      ...(account === undefined ? [] : [`accounturi=${account}`]),
    ];
    const record = (tag: string, value: string): string => `${zone}. ${ttl} IN CAA 0 ${tag} "${value}"`;
    return [
      ...issuers.map((issuer) => record('issue', [issuer, ...terms].join('; '))),
      ...(isWild
        ? issuers.map((issuer) => record('issuewild', [issuer, ...terms].join('; ')))
        : [record('issuewild', ';')]),
      ...(email === undefined || !/^[A-Za-z0-9.@+_-]+$/.test(email)
        ? []
        : [record('iodef', `mailto:${email}`)]),
    ];
  });
}
