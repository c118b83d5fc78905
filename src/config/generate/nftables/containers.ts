import { canonicalV4, parseSubnet } from '../../../../schema/manifest/address.ts';
import type { Home, Target } from '../../home.ts';
import { podman } from '../podman.ts';
import { isTree, mergeOver } from '../shared/merge.ts';
import { joined } from '../shared/openings.ts';

/** Podman's own network, of containers that name none. */
const podmanSubnet = '10.88.0.0/16';

/** Subnets of the networks that containers of a machine are in, sorted; null where one of them says none. */
export function containerSubnets(home: Home, target: Target): readonly string[] | null {
  const here = home.instances.filter((one) => one.target === target.name);
  const units = here.flatMap((one) => one.units).filter(({ name }) => name.endsWith('.network'));
  const texts = [...units.map(({ text }) => text), ...here.flatMap((one) => madeBy(home, target, one))];
  const subnets = texts.map((text) => /^\s*Subnet\s*=\s*(\S+)\s*$/m.exec(text)?.[1]);
  if (subnets.some((one) => one === undefined || parseSubnet(one) === null)) return null;
  const known = [podmanSubnet, ...(subnets as string[])];
  // Networks that overlap are told elsewhere; the set must hold each address once.
  return joined(known).sort((a, b) => canonicalV4(a.split('/')[0]!)! - canonicalV4(b.split('/')[0]!)!);
}

/** Texts of the networks that `podman/networks` makes where an app places it. */
function madeBy(home: Home, target: Target, instance: Home['instances'][number]): string[] {
  const settings = Object.hasOwn(home.generators, 'podman') ? home.generators.podman!.options : {};
  return instance.files
    .filter(({ generate }) => generate === 'podman/networks')
    .flatMap((file) => {
      const options = mergeOver(settings, isTree(file.options) ? file.options : {});
      const { made } = podman.outputs.networks!.generate({ home, target, instance, options });
      const files = made.kind === 'folder' ? Object.entries(made.files) : [];
      return files.flatMap(([name, text]) => (name.endsWith('.network') ? [text] : []));
    });
}
