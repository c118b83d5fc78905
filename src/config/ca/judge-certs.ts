import { isAddress, isPermitted } from '../../../schema/x509/names.ts';
import type { ConfigCode } from '../codes.ts';
import { certOf } from '../compile/certs.ts';
import { fault, type Placed } from '../compile/units.ts';
import type { Finding, Place } from '../finding.ts';
import type { Home, Target } from '../home.ts';
import type { RepoFiles } from '../repo.ts';
import { certificateIn, issuerPath, namesByHost, rootPath, virtualOf } from './repo-authority.ts';

const doubt = (place: Place, code: ConfigCode, message: string, suggestion: string): Finding => ({
  ...fault(place, code, message, suggestion),
  severity: 'warning',
});

/**
 * Certificates that would be for somebody else, and what of `ca/` does not fit them. Without such a folder nothing is said
 * of it: `writ deploy` does.
 */
export function judgeCerts(files: RepoFiles, home: Home, placed: readonly Placed[]): Finding[] {
  const findings = placed.flatMap((one) => judgeNames(home, one));
  const inRepo = [...files.keys()].filter((path) => path.startsWith('ca/'));
  if (inRepo.length === 0) return findings;
  const wanted = namesByHost(home, placed);
  const known = new Set([rootPath, ...Object.keys(home.hosts).map(issuerPath)]);
  const start = (file: string): Place => ({ file, line: 1, column: 1 });
  for (const path of inRepo.sort()) {
    const found = certificateIn(files, path);
    if (!known.has(path))
      findings.push(doubt(start(path), 'ca_unused', 'it is no certificate of the root or of a host', ''));
    else if (found === null || !found?.read.isAuthority)
      findings.push(
        doubt(start(path), 'ca_malformed', 'it is no certificate of an authority', 'writ ca sign'),
      );
  }
  for (const [host, names] of wanted) {
    const first = placed.find(
      ({ target, source }) => virtualOf(home, target)?.host === host && source.file.certs.length > 0,
    )!;
    const place = first.source.yaml.place(['certs']);
    const issuer = certificateIn(files, issuerPath(host));
    if (!files.has(rootPath) || issuer === undefined) {
      const message = `there is no ${files.has(rootPath) ? issuerPath(host) : rootPath} by which certificates on ${host} are made`;
      findings.push(doubt(place, 'ca_missing', message, 'writ ca sign'));
      continue;
    }
    const permitted = issuer?.read.permitted;
    const denied = names.filter((name) => permitted != null && !isPermitted(permitted, name));
    if (denied.length > 0) {
      const message = `${issuerPath(host)} does not permit ${[...new Set(denied)].sort().join(', ')}`;
      findings.push(doubt(place, 'ca_names', message, 'writ ca sign'));
    }
  }
  return findings;
}

/** Names and addresses of other machines: whoever reaches them would be sure that it is one of them. */
function judgeNames(home: Home, { app, target, source }: Placed): Finding[] {
  const others = [home.hosts, home.guests, home.devices].flatMap((machines): Target[] =>
    Object.values<Target>(machines).filter(({ name }) => name !== target),
  );
  return source.file.certs.flatMap((cert, index) =>
    certOf(home, app, target, cert).names.flatMap((name) => {
      const owner = others.find((machine) => isNameOf(machine, name, home.site.domain));
      if (owner === undefined) return [];
      const message = `${name} is ${owner.name}, and this certificate would be on ${target}`;
      return [fault(source.yaml.place(['certs', index]), 'cert_name_foreign', message)];
    }),
  );
}

function isNameOf(machine: Target, name: string, domain: string): boolean {
  if (isAddress(name)) return machine.address === name || machine.tailnet === name;
  return [machine.name, `${machine.name}.${domain}`].some((own) => name === own || name.endsWith(`.${own}`));
}
