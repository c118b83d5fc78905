import { didYouMean } from '../../../schema/near.ts';
import { unlessFile } from '../broken.ts';
import type { Placed } from '../compile/units.ts';
import { fault } from '../compile/units.ts';
import type { Finding } from '../finding.ts';
import type { Home } from '../home.ts';

/** What apps install beside their files: keys that are missing, one path or package twice, and what no device can have. */
export function judgeNative(
  home: Home,
  placed: readonly Placed[],
  paths: ReadonlyMap<string, string>,
): Finding[] {
  const findings: Finding[] = [];
  const holders = new Map(paths);
  const versions = new Map<string, { readonly app: string; readonly version: string | undefined }>();
  for (const one of placed) {
    const { app, target, source } = one;
    const { file, yaml, folder } = source;
    findings.push(...judgeDevice(home, one), ...judgeCommands(one));
    for (const [index, { key }] of file.apt.entries()) {
      if (folder.has(key)) continue;
      const place = yaml.place(['apt', index, 'key']);
      findings.push(
        fault(
          place,
          'file_missing',
          `there is no ${key} in apps/${app}`,
          didYouMean(key, folder.keys()),
          unlessFile(app, key),
        ),
      );
    }
    for (const [index, given] of file.packages.entries()) {
      const { name, version } = typeof given === 'string' ? { name: given, version: undefined } : given;
      const known = versions.get(`${target} ${name}`);
      if (known === undefined || version === undefined || known.version === undefined) {
        if (known?.version === undefined) versions.set(`${target} ${name}`, { app, version });
      } else if (known.version !== version) {
        const message = `${known.app} wants ${name} ${known.version} on ${target} already`;
        findings.push(fault(yaml.place(['packages', index]), 'version_twice', message));
      }
    }
    const claim = (path: string, at: readonly (string | number)[]): void => {
      const holder = holders.get(`${target} ${path}`);
      if (holder !== undefined) {
        const who = holder === app ? 'this app' : holder;
        findings.push(
          fault(yaml.place(at), 'path_twice', `${path} on ${target} is a file of ${who} already`),
        );
      }
      holders.set(`${target} ${path}`, app);
    };
    for (const { to, unpack } of one.artifacts) if (!unpack) claim(to, ['artifacts']);
    for (const [index, { to }] of file.certs.entries()) {
      const all =
        typeof to === 'string'
          ? ['cert.pem', 'key.pem', 'ca.pem'].map((name) => `${to}${name}`)
          : [to.cert, to.key, ...(to.ca === undefined ? [] : [to.ca])];
      for (const path of all) claim(path, ['certs', index]);
    }
  }
  return findings;
}

/** Commands that run in a container: one that a unit of the app makes, here. */
function judgeCommands({ app, target, parsed, source: { file, yaml } }: Placed): Finding[] {
  const known = parsed.map((unit) => unit.file.name).filter((name) => name.endsWith('.container'));
  return Object.entries(file.commands).flatMap(([name, { container }]) => {
    if (container === undefined || known.includes(container.replace(/\.j2$/, ''))) return [];
    const message = `${container} is no container of ${app} on ${target}, so that ${name} could not run in it`;
    return [
      fault(
        yaml.place(['commands', name, 'container']),
        'command_container',
        message,
        didYouMean(container, known),
      ),
    ];
  });
}

/** Members of app.yaml that a relay would have to do something for. */
const managed = [
  'units',
  'service',
  'dirs',
  'health',
  'secrets',
  'ports',
  'certs',
  'packages',
  'apt',
  'artifacts',
  'users',
  'builds',
  'commands',
  'backup',
] as const;

/** A device has files alone. */
function judgeDevice(home: Home, { app, target, source: { yaml } }: Placed): Finding[] {
  if (!Object.hasOwn(home.devices, target)) return [];
  const said = yaml.value as Readonly<Record<string, unknown>>;
  return managed
    .filter((member) => Object.hasOwn(said, member))
    .map((member) =>
      fault(
        yaml.place([member]),
        'device_unmanaged',
        `no relay manages ${target}, so ${app} can have files there and nothing else`,
      ),
    );
}
