import type { ReleaseApp, ReleaseManifest, ReleasePart } from '../../../schema/wire/release.ts';
import type { PlannedApp, PlannedTarget, Risk } from './planned.ts';
import { widenedRoutes, widenedRules } from './route-risks.ts';
import { named, unitRisks } from './unit-risks.ts';

/** What in a plan may cut its own way back, opens something, or takes data away. */
export const findRisks = (
  before: ReleaseManifest,
  after: ReleaseManifest,
  targets: readonly PlannedTarget[],
): Risk[] => [
  ...targets.flatMap(({ target, apps }) => apps.flatMap((app) => cutting(target, app))),
  ...widenedRoutes(before.facts, after.facts),
  ...widenedRules(before.facts, after.facts),
  ...targets.flatMap(({ target, apps }) => {
    const [old, now] = [before, after].map(({ parts }) => parts.find((part) => part.target === target));
    return apps.flatMap((app) => [
      ...openedPorts(target, app, old, now),
      ...lost(target, app, old),
      ...bared(target, app, old, now),
      ...unitRisks(target, app),
      ...trusted(target, app, old, now),
    ]);
  }),
];

/** Services through which relays reach the control plane, or people reach machines to repair them. */
const pathServices =
  /^(haproxy|headscale|tailscaled?|unbound|named|bind9|dnsmasq|ssh|sshd|writ|writ-relay|nftables|home-firewall|networking|systemd-networkd|systemd-resolved|wg-quick@.*)\.service$/;
const pathFiles =
  /^\/etc\/(haproxy|headscale|tailscale|unbound|ssh|writ|writ-relay|nftables.d|network|netplan|wireguard|systemd\/network)\/|^\/etc\/(resolv\.conf|hosts|nftables\.conf)$|\.nft$/;
const pathApps = /^(haproxy|headscale|tailscale|unbound|pfsense|router|writ|firewall|nftables)$/;

function cutting(target: string, { app, units, files }: PlannedApp): Risk[] {
  const moved = units.filter(({ effect }) => effect !== 'untouched');
  const service = moved.find((unit) => pathServices.test(unit.service) || pathApps.test(app));
  const file = files.find(
    ({ path, what }) => what !== 'listing' && (pathFiles.test(path) || pathApps.test(app)),
  );
  if (service === undefined && file === undefined) return [];
  const does = { start: 'starts', restart: 'restarts', reload: 'reloads', stop: 'stops', untouched: 'stays' };
  const what =
    service === undefined ? `${named(file!.path)} changes` : `\`${service.service}\` ${does[service.effect]}`;
  const text = `${what} on \`${target}\`: the way to the control plane may lead through it`;
  return [{ code: 'control_plane', target, app, text }];
}

const appOf = (part: ReleasePart | undefined, name: string): ReleaseApp | undefined =>
  part?.apps.find((app) => app.name === name);

function openedPorts(
  target: string,
  { app }: PlannedApp,
  before: ReleasePart | undefined,
  after: ReleasePart | undefined,
): Risk[] {
  return (appOf(after, app)?.ports ?? []).flatMap(({ port, proto, from }) => {
    const was = appOf(before, app)?.ports.find((one) => one.port === port && one.proto === proto);
    const wider =
      was === undefined ||
      (was.from !== undefined && (from === undefined || from.some((one) => !was.from!.includes(one))));
    if (!wider) return [];
    const who = from === undefined ? 'everybody' : from.map((one) => `\`${one}\``).join(', ');
    const text = `port ${port}/${proto} on \`${target}\` opens to ${who}`;
    return [{ code: 'access_widened', target, app, text } as const];
  });
}

/** Groups whose members can do what root can. */
const rootGroups = /^(root|sudo|wheel|adm|disk|docker|shadow|lxd|libvirt)$/;

/** Sources whose packages run as root when they are installed, and users that are as good as root. */
function trusted(
  target: string,
  { app }: PlannedApp,
  before: ReleasePart | undefined,
  after: ReleasePart | undefined,
): Risk[] {
  const [old, now] = [appOf(before, app), appOf(after, app)];
  const sources = (now?.apt ?? []).filter(
    ({ uri, key }) => old?.apt.some((one) => one.uri === uri && one.key === key) !== true,
  );
  const users = (now?.users ?? []).flatMap(({ name, groups }) => {
    const known = old?.users.find((one) => one.name === name)?.groups ?? [];
    const more = groups.filter((group) => rootGroups.test(group) && !known.includes(group));
    return more.length === 0 ? [] : [{ name, groups: more }];
  });
  return [
    ...sources.map(({ uri }) => {
      const text = `packages of ${named(uri)} are trusted on \`${target}\`: what they install runs as root`;
      return { code: 'source_trusted', target, app, text } as const;
    }),
    ...users.map(({ name, groups }) => {
      const text = `the user \`${name}\` on \`${target}\` is in ${groups.map((one) => `\`${one}\``).join(', ')}, which is as good as root`;
      return { code: 'access_widened', target, app, text } as const;
    }),
  ];
}

/** Volumes without a unit of their own any more, and folders whose other files go. */
function lost(target: string, planned: PlannedApp, before: ReleasePart | undefined): Risk[] {
  const { app, units, after } = planned;
  const volumes = units.filter(({ effect, because: _, service }) => {
    const unit = appOf(before, app)?.units.find((one) => one.service === service);
    return effect === 'stop' && unit?.files.some((name) => name.endsWith('.volume')) === true;
  });
  const pruned = (after?.prune ?? []).filter((folder) => appOf(before, app)?.prune.includes(folder) !== true);
  return [
    ...volumes.map(({ service }) => {
      const text = `the volume of \`${service}\` on \`${target}\` is no longer named; its data stays where it is, and nothing uses or backs it up`;
      return { code: 'volume_removed', target, app, text } as const;
    }),
    ...pruned.map((folder) => {
      const text = `what the release does not hold is removed from ${named(folder)} on \`${target}\``;
      return { code: 'folder_pruned', target, app, text } as const;
    }),
  ];
}

const dirsOf = (part: ReleasePart | undefined): string[] =>
  (part?.apps ?? []).flatMap(({ dirs }) => dirs.map(({ path }) => path));

/** Folders that an app no longer has as its own, in one that is kept free of other files: what they hold goes. */
function bared(
  target: string,
  { app }: PlannedApp,
  before: ReleasePart | undefined,
  after: ReleasePart | undefined,
): Risk[] {
  const kept = new Set(dirsOf(after));
  const pruned = new Set((after?.apps ?? []).flatMap(({ prune }) => prune));
  /** The nearest of both decides. */
  const isEmptied = (path: string): boolean =>
    path !== '' && (pruned.has(path) || (!kept.has(path) && isEmptied(path.slice(0, path.lastIndexOf('/')))));
  const bare = (appOf(before, app)?.dirs ?? []).filter(({ path }) => !kept.has(path) && isEmptied(path));
  return bare.map(({ path }) => {
    const text = `all that ${named(path)} on \`${target}\` holds is removed: no app has it as its own any more`;
    return { code: 'folder_pruned', target, app, text } as const;
  });
}
