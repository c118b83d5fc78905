import type { AppFile } from '../../../schema/manifest/app.ts';
import type { ReleaseApp } from '../../../schema/wire/release.ts';
import type { Home } from '../home.ts';
import { byText } from '../repo.ts';
import { machineOf } from './routes.ts';

/** `472` → `472:472`, `root` → `root:root`. */
export const ownerText = (owner: string | number): string => {
  const text = String(owner);
  return text.includes(':') ? text : `${text}:${text}`;
};

/** A certificate with the names that it is good for, and a path for each of its files. */
export function certOf(
  home: Home,
  app: string,
  target: string,
  { names = [app], to, owner, ...cert }: AppFile['certs'][number],
): ReleaseApp['certs'][number] {
  const { address } = machineOf(home, target)!;
  const machine = cert.kind === 'client' ? [] : [target, ...(address === undefined ? [] : [address])];
  const { ca, ...paths } =
    typeof to === 'string' ? { cert: `${to}cert.pem`, key: `${to}key.pem`, ca: `${to}ca.pem` } : to;
  return {
    ...cert,
    names: [...new Set([...names, ...machine])].sort(byText),
    ...paths,
    ...(ca !== undefined && { ca }),
    owner: ownerText(owner),
  };
}
