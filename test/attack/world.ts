import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoggedCall } from '../../examples/demo/proxmox-main.ts';
import type { TrustJws } from '../../schema/wire/relay-api.ts';
import type { Scene } from './home/bring-up.ts';
import { portsOf } from './home/listening.ts';
import { documentOf } from './thief/loot.ts';
import { homeRelays } from './thief/thief.ts';

/** Something that happened at home, seen by the thing that it happened to. */
export type Fact =
  /** The API of a host's Proxmox was told to change something. */
  | {
      readonly kind: 'proxmox';
      readonly host: string;
      readonly at: number;
      readonly path: string;
      readonly body: string;
    }
  /** A program ran in a guest. */
  | {
      readonly kind: 'inside';
      readonly host: string;
      readonly at: number;
      readonly vmid: number;
      readonly op: string;
      readonly words: readonly string[];
    }
  /** The tower's network card got a magic packet. */
  | { readonly kind: 'packet'; readonly at: number }
  /** A relay started a program on its host. */
  | { readonly kind: 'program'; readonly argv: string }
  /** Somebody came to a place that the thief pointed to. */
  | { readonly kind: 'decoy'; readonly line: string }
  /** The trust document on a host's disk is another. */
  | { readonly kind: 'trust'; readonly host: string; readonly version: number }
  /** A relay took to listening. */
  | { readonly kind: 'listens'; readonly host: string; readonly port: number }
  /** A secret of a host was in what its relay sent. */
  | { readonly kind: 'leak'; readonly secret: string };

/** Looks at the home from outside its relays: nothing here asks a relay, or uses a part of one. */
export type World = {
  /** Everything so far, in an order in which nothing that was there before moves. */
  facts(): Facts;
};

/** By their kind, each in order. */
export type Facts = { readonly [K in Fact['kind']]: readonly Extract<Fact, { kind: K }>[] };

export function watchWorld(scene: Scene, sent: () => readonly { readonly body: string }[]): World {
  const { home } = scene;
  const secrets = [
    readFileSync(home.proxmoxTokenFile, 'utf8').trim().split('=')[1]!,
    ...homeRelays.map((relay) =>
      secretHalf(readFileSync(join(home.relayDirectory(relay), 'key.json'), 'utf8')),
    ),
  ];
  const trusts = new Map<string, string>(homeRelays.map((host) => [host, trustAt(scene, host)]));
  const changed: Facts['trust'][number][] = [];
  const leaked: Facts['leak'][number][] = [];
  let searched = 0;

  const lookAtTrust = (): void => {
    for (const [host, before] of trusts) {
      const now = trustAt(scene, host);
      if (now === before) continue;
      trusts.set(host, now);
      const { versions } = JSON.parse(now) as { versions: TrustJws[] };
      changed.push({ kind: 'trust', host, version: documentOf(versions.at(-1)!).version });
    }
  };
  const lookForLeaks = (): void => {
    const all = sent();
    for (const { body } of all.slice(searched))
      for (const secret of secrets)
        if (body.includes(secret)) leaked.push({ kind: 'leak', secret: `${secret.slice(0, 4)}…` });
    searched = all.length;
  };

  return {
    facts() {
      lookAtTrust();
      lookForLeaks();
      return {
        proxmox: homeRelays.flatMap((host) =>
          home
            .requests(host)
            .filter(({ method, status }) => method !== 'GET' && status !== null)
            .map(({ at, path, body = '' }) => ({ kind: 'proxmox' as const, host, at, path, body })),
        ),
        inside: homeRelays.flatMap((host) =>
          callsInside(join(home.directory, `proxmox-${host}`, 'inside.jsonl')).map((call) => ({
            kind: 'inside' as const,
            host,
            ...call,
          })),
        ),
        packet: home.towerNews
          .filter(({ news }) => news === 'packet')
          .map(({ at }) => ({ kind: 'packet' as const, at })),
        program: scene.tripwires.touched().map((argv) => ({ kind: 'program' as const, argv })),
        decoy: scene.decoy.heard.map(({ line }) => ({ kind: 'decoy' as const, line })),
        trust: [...changed],
        listens: homeRelays.flatMap((host) =>
          portsOf(home.relayDirectory(host)).map((port) => ({ kind: 'listens' as const, host, port })),
        ),
        leak: [...leaked],
      };
    },
  };
}

const trustAt = (scene: Scene, host: string): string =>
  readFileSync(join(scene.home.relayDirectory(host), 'trust.json'), 'utf8');

const secretHalf = (jwk: string): string => (JSON.parse(jwk) as { d: string }).d;

function callsInside(path: string): LoggedCall[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as LoggedCall];
    } catch {
      return [];
    }
  });
}
