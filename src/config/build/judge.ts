import { didYouMean } from '../../../schema/near.ts';
import { own } from '../../../schema/wire/record.ts';
import { unlessMachine } from '../broken.ts';
import { machineOf } from '../compile/routes.ts';
import type { Placed } from '../compile/units.ts';
import { fault, secretOf } from '../compile/units.ts';
import type { Finding } from '../finding.ts';
import type { Generator } from '../generate/generator.ts';
import type { Home } from '../home.ts';
import type { Manifest } from '../read/manifest.ts';
import type { Path } from '../read/yaml.ts';
import type { RepoFiles } from '../repo.ts';
import { secretPath } from './parts.ts';

/** What the whole home says: generators without a place, programs of another version, ports twice, secrets that nobody set. */
export function judgeHome(
  manifest: Manifest,
  home: Home,
  placed: readonly Placed[],
  generators: ReadonlyMap<string, Generator>,
  files: RepoFiles,
): Finding[] {
  const findings: Finding[] = [];
  const at = (path: readonly (string | number)[]) => manifest.yaml.place(path);
  const places = new Set<string>();
  for (const { target, files: own } of placed) {
    for (const { generate } of own)
      if (generate !== undefined) places.add(`${generate} ${target}`).add(`${generate} *`);
  }
  for (const [name, settings] of Object.entries(home.generators)) {
    const generator = generators.get(name);
    if (generator === undefined) {
      findings.push(
        fault(
          at(['generators', name]),
          'unknown_generator',
          `there is no generator ${name}`,
          didYouMean(name, generators.keys()),
        ),
      );
      continue;
    }
    const { upstream } = generator;
    if (settings.version !== undefined && upstream !== undefined && !within(settings.version, upstream)) {
      findings.push({
        ...at(['generators', name, 'version']),
        severity: 'warning',
        code: 'upstream_unchecked',
        message: `${name} was checked against ${upstream.program} from ${upstream.from}, below ${upstream.below}; this is ${settings.version}`,
      });
    }
  }
  for (const generator of generators.values()) {
    if (Object.hasOwn(home.generators, generator.name) && home.generators[generator.name]?.on === false)
      continue;
    for (const [output, { needed }] of Object.entries(generator.outputs)) {
      for (const { target, why } of needed(home)) {
        if (places.has(`${generator.name}/${output} ${target}`)) continue;
        const where = target === '*' ? 'an app' : `an app on ${target}`;
        findings.push({
          ...at(target === '*' ? [] : [Object.hasOwn(home.guests, target) ? 'guests' : 'hosts', target]),
          severity: 'warning',
          code: 'generator_unplaced',
          message: `${generator.name}/${output} has entries and no place: ${why}`,
          suggestion: `Give ${where} a file { generate: ${generator.name}/${output}, to: … }, or turn the generator off.`,
          unless: ['apps/*', 'homelab.yaml'],
        });
      }
    }
  }
  const ports = new Map<string, Placed>();
  for (const one of placed) {
    for (const [index, { port, proto, from }] of one.source.file.ports.entries()) {
      const key = `${one.target} ${port}/${proto}`;
      const holder = ports.get(key);
      if (holder !== undefined) {
        findings.push(
          fault(
            one.source.yaml.place(['ports', index]),
            'port_twice',
            `${holder.app} has port ${port}/${proto} on ${one.target} already`,
          ),
        );
      }
      ports.set(key, one);
      for (const name of from ?? []) {
        if (/^[0-9]/.test(name) || Object.hasOwn(home.networks, name) || machineOf(home, name) !== undefined)
          continue;
        const all = [...Object.keys(home.networks), ...Object.keys(home.guests), ...Object.keys(home.hosts)];
        findings.push(
          fault(
            one.source.yaml.place(['ports', index, 'from']),
            'unknown_network',
            `there is no network, guest or host ${name}`,
            didYouMean(name, all),
            [...unlessMachine(name), 'homelab.networks'],
          ),
        );
      }
    }
  }
  return [...findings, ...unsetSecrets(home, placed, files)];
}

/** Secrets that nobody has set, each machine's once: where an app says that it needs it, rather than where it is given. */
function unsetSecrets(home: Home, placed: readonly Placed[], files: RepoFiles): Finding[] {
  const found = new Map<string, { readonly finding: Finding; readonly said: boolean }>();
  for (const one of placed) {
    for (const name of one.secrets) {
      const path = secretPath(one.target, name);
      if (Object.hasOwn(one.derived, name) || files.has(path)) continue;
      const at = secretAt(one.source.file, name);
      if (found.get(path)?.said === true && at === null) continue;
      const captured = own(home.secrets, name)?.captured;
      const finding: Finding = {
        ...one.source.yaml.place(at ?? ['secrets']),
        severity: 'warning',
        code: 'secret_missing',
        message: `nobody has set the secret ${name} for ${one.target}`,
        suggestion:
          captured === undefined
            ? `writ secrets set ${name} --on ${one.target} sets it.`
            : `The runbook ${captured} is to capture it.`,
      };
      const key = found.get(path)?.said === true ? `${path} ${one.app}` : path;
      found.set(key, { finding, said: at !== null });
    }
  }
  return [...found.values()].map(({ finding }) => finding);
}

/** Where an app says that it needs a secret; null where another app's use brings it. */
function secretAt({ secrets, uses }: Placed['source']['file'], name: string): Path | null {
  if (!Array.isArray(secrets)) {
    if (Object.hasOwn(secrets, name)) return ['secrets', name];
  } else if (secrets.includes(name)) return ['secrets', secrets.indexOf(name)];
  const use = uses.findIndex((one) => secretOf(one) === name);
  return use < 0 ? null : ['uses', use];
}

function within(
  version: string,
  { from, below }: { readonly from: string; readonly below: string },
): boolean {
  const order = (a: string, b: string): number => {
    const [left, right] = [a, b].map((text) => text.split('.').map(Number)) as [number[], number[]];
    for (let i = 0; i < right.length; i += 1) {
      const difference = (left[i] ?? 0) - right[i]!;
      if (difference !== 0) return difference;
    }
    return 0;
  };
  return order(version, from) >= 0 && order(version, below) < 0;
}
