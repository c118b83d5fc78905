import { parseSubnet } from '../../../schema/manifest/address.ts';
import { isAtLeast } from '../../../schema/quadlet/keys.ts';
import { sectionOf } from '../../../schema/quadlet/names.ts';
import { all } from '../../../schema/quadlet/unit.ts';
import type { Home, Target } from '../home.ts';
import { byText } from '../repo.ts';
import type { Doubt, Generator } from './generator.ts';
import { type Box, type Boxes, boxesOn, isSame, type Joined } from './podman/boxes.ts';
import { isolate } from './podman/isolate.ts';
import { type PodmanOptions, podmanOptionsSchema } from './podman/options.ts';
import { allotSubnets, subnetLines, takenBy } from './podman/subnets.ts';
import { filesBy, madeFor } from './shared/outputs.ts';

type Tell = (doubt: Doubt) => void;
type Files = Record<string, string>;

/** Podman: networks of containers, and drop-ins that put containers into them. Native unit files stay as they are. */
export const podman: Generator = {
  name: 'podman',
  about: 'networks of containers: one of the machine, or one for each pair of apps that speak',
  // The generator of 5.4.2 makes the networks that are meant; of later ones the sources up to 5.8 were read.
  upstream: { program: 'Podman', from: '5.4', below: '5.9' },
  options: podmanOptionsSchema,
  outputs: {
    networks: {
      about: '.network units, and a drop-in for each container and pod that is to join',
      kind: 'folder',
      needed: (home) =>
        [...Object.values(home.guests), ...Object.values(home.hosts)]
          .filter(({ name, containers }) => containers !== undefined && runsBoxes(home, name))
          .sort((a, b) => byText(a.name, b.name))
          .map(({ name, containers }) => ({
            target: name,
            why: `it owns the network ${containers!.network}`,
          })),
      generate: filesBy(podmanOptionsSchema, ({ home, target, instance }, options, tell) => {
        const head = `# ${madeFor(instance.app, 'podman/networks')}\n`;
        const files = makeFiles(home, target, options, tell);
        for (const name of Object.keys(files)) files[name] = head + files[name]!;
        return files;
      }),
    },
  },
};

const runsBoxes = (home: Home, target: string): boolean =>
  home.instances.some(
    (instance) =>
      instance.target === target && instance.units.some(({ name }) => /\.(container|pod|kube)$/.test(name)),
  );

function makeFiles(home: Home, target: Target, options: PodmanOptions, tell: Tell): Files {
  const { containers } = target;
  if (containers === undefined) {
    const message = `homelab.yaml states no containers of ${target.name}: which network does it own?`;
    tell({
      severity: 'error',
      code: 'containers_missing',
      message,
      suggestion: 'containers: { network: home }',
      unless: [`${target.name}.containers`],
    });
    return {};
  }
  if (target.podman !== undefined && !isAtLeast(target.podman, '5.0')) {
    const message = `Podman ${target.podman} on ${target.name} reads no drop-ins, by which containers join a network`;
    tell({ severity: 'error', code: 'upstream_unchecked', message });
  }
  const found = boxesOn(home, target);
  const { network, subnet } = containers;
  const files: Files = {};
  const unit = `${network}.network`;
  const makesOwn = !found.networks.has(unit);
  const own = subnet === undefined ? undefined : parseSubnet(subnet)!;
  if (!makesOwn && own !== undefined) {
    const message = `${found.networks.get(unit)} brings ${unit} itself, so that the subnet in homelab.yaml says nothing`;
    tell({ severity: 'error', code: 'name_twice', message, suggestion: 'Take one of them away.' });
  }
  if (!containers.isolate) {
    if (makesOwn) files[unit] = networkText(network, own === undefined ? [] : subnetLines(own));
    for (const box of found.boxes) {
      if (box.networks.length === 0) files[dropIn(box)] = joinText(box, [{ name: unit, options: [] }]);
      else if (makesOwn && box.networks.some(({ name }) => name === network))
        files[dropIn(box)] = waitText(network);
    }
    return files;
  }
  if (makesOwn && isUsedByBuild(found, network)) {
    files[unit] = networkText(network, own === undefined ? [] : subnetLines(own));
  }
  const { networks, joins } = isolate(home, target, found, options, tell);
  const taken = takenBy([
    subnet,
    ...Object.values(home.networks).map((one) => one.subnet),
    ...[...Object.values(home.hosts), ...Object.values(home.guests)].flatMap((one) => [
      one.address,
      one.tailnet,
    ]),
  ]);
  const subnets = allotSubnets([...networks.keys()], parseSubnet(options.pool)!, taken);
  for (const [name, { internal }] of networks) {
    const place = subnets.get(name);
    if (place === undefined) {
      const message = `${options.pool} has no room for the network ${name}`;
      const suggestion = 'Give the option pool a larger subnet.';
      tell({ severity: 'error', code: 'pool_too_small', message, suggestion });
    }
    files[`${name}.network`] = networkText(name, [
      ...(place === undefined ? [] : subnetLines(place)),
      ...(internal ? ['Internal=true'] : []),
    ]);
  }
  for (const [box, joined] of joins) {
    if (!isSame(box.networks, joined)) files[dropIn(box)] = joinText(box, joined);
  }
  return files;
}

const isUsedByBuild = ({ units }: Boxes, network: string): boolean =>
  units.some(
    (unit) =>
      unit.name.kind === 'build' &&
      all(unit, 'Build', 'Network').some(({ value }) => value === network || value === `${network}.network`),
  );

const dropIn = ({ unit }: Box): string => `${unit.file.name}.d/50-writ-network.conf`;

const networkText = (name: string, lines: readonly string[]): string =>
  ['[Network]', `NetworkName=${name}`, ...lines, ''].join('\n');

/** An empty assignment takes back those of the unit file. */
function joinText({ unit, networks }: Box, joined: readonly Joined[]): string {
  return [
    `[${sectionOf(unit.name.kind as 'container')}]`,
    ...(networks.length > 0 ? ['Network='] : []),
    ...joined.map(
      ({ name, options }) =>
        `Network=${[name, ...(options.length > 0 ? [options.join(',')] : [])].join(':')}`,
    ),
    '',
  ].join('\n');
}

/** A unit that names the network and not the unit starts when it likes, perhaps before the network is there. */
const waitText = (network: string): string =>
  ['[Unit]', `Requires=${network}-network.service`, `After=${network}-network.service`, ''].join('\n');
