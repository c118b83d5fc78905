import assert from 'node:assert/strict';
import * as v from 'valibot';
import { type ReleaseApp, type ReleasePart, releaseManifestSchema } from '../../../../schema/wire/release.ts';
import type { Built } from '../../../../src/config/build/build.ts';
import { readReleaseFile, writeReleaseFile } from '../../../../src/config/build/release-file.ts';
import { buildTree, type Tree } from '../../../support/repo-fixture.ts';

/** Two machines at home that always run, one that sleeps. */
export const homelab = [
  'v: 1',
  'site: { domain: example.net }',
  'networks:',
  '  servers: { subnet: 192.168.20.0/24 }',
  '  wifi: { subnet: 192.168.10.0/24 }',
  'hosts:',
  '  pve1: { network: servers, address: 192.168.20.1 }',
  '  pve2:',
  '    { network: servers, address: 192.168.20.2, sleeps: true, mac: "02:00:00:00:00:02", wake_via: pve1, wake_address: 192.168.20.255 }',
  'guests:',
  '  secsvcs: { host: pve1, vmid: 101, network: servers, address: 192.168.20.11 }',
  '  homesvcs: { host: pve1, vmid: 102, network: servers, address: 192.168.20.12 }',
  '  websvcs: { host: pve2, vmid: 200, network: servers, address: 192.168.20.13 }',
  'access:',
  '  admins: { groups: admins }',
  '  family: { groups: [family, admins], policy: one_factor, from: [servers, wifi] }',
  '',
].join('\n');

export const image = 'Image=docker.io/library/busybox:1.37.0\n';
export const container = (...lines: string[]): string => `[Container]\n${image}${lines.join('\n')}\n`;

/** The findings, but those of secrets' files, which hold no age here, and of generators that these homes do without. */
export const toldOf = ({ findings }: Built): Built['findings'] =>
  findings.filter(({ file, code }) => !file.startsWith('secrets/') && code !== 'generator_unplaced');

type Home = {
  readonly built: Built;
  part(target: string): ReleasePart;
  app(target: string, name: string): ReleaseApp;
  /** The text of a file of a target. */
  text(target: string, path: string): string;
  /** `path mode owner`, and what else is said of it, one line a file of an app. */
  files(target: string, app: string): string[];
  /** `file:line severity code: message`, one a finding. */
  readonly told: readonly string[];
};

/** Builds a repo of these apps in the home above. `also` stands below in homelab.yaml. */
export async function home(apps: Tree, also = ''): Promise<Home> {
  const built = await buildTree({ 'homelab.yaml': `${homelab}${also}`, ...apps });
  const told = toldOf(built).map(
    ({ file, line, severity, code, message }) => `${file}:${line} ${severity} ${code}: ${message}`,
  );
  // What is built is what a release may say.
  if (built.release !== undefined) {
    const { manifest } = built.release;
    assert.deepEqual(v.parse(releaseManifestSchema, manifest), manifest);
    const read = await readReleaseFile(writeReleaseFile(built.release));
    assert.ok(read.ok, read.ok ? '' : read.detail);
  }
  const release = () => {
    assert.ok(built.release !== undefined, told.join('\n'));
    return built.release;
  };
  const part = (target: string): ReleasePart => {
    const found = release().manifest.parts.find((one) => one.target === target);
    assert.ok(found !== undefined, `there is no part for ${target}`);
    return found;
  };
  const app = (target: string, name: string): ReleaseApp => {
    const found = part(target).apps.find((one) => one.name === name);
    assert.ok(found !== undefined, `there is no ${name} on ${target}`);
    return found;
  };
  return {
    built,
    told,
    part,
    app,
    text: (target, path) => {
      const file = part(target).files.find((one) => one.path === path);
      assert.ok(file !== undefined, `there is no ${path} on ${target}`);
      return new TextDecoder().decode(release().blobs.get(file.digest));
    },
    files: (target, name) =>
      part(target)
        .files.filter((file) => file.app === name)
        .map(({ path, mode, owner, manage, on_change, kind, volume, secrets }) =>
          [
            path,
            mode,
            owner,
            ...(manage === 'exact' ? [] : [manage]),
            ...(on_change === 'restart' ? [] : [on_change]),
            ...(kind === 'file' ? [] : [kind]),
            ...(volume === undefined ? [] : [`in ${volume}`]),
            ...(secrets ?? []).map((secret) => `<${secret}>`),
          ].join(' '),
        ),
  };
}
