import { whatNeeds } from '../../../schema/quadlet/needs.ts';
import { unlessFile } from '../broken.ts';
import { fault, type Placed } from '../compile/units.ts';
import type { Finding } from '../finding.ts';

/**
 * Paths that units name from their own folder, which on a machine is not the app's folder in the repo: Quadlet takes
 * them for ones below /etc/containers/systemd. What nothing puts there may be there all the same; what the app has in
 * its folder was meant.
 *
 * @param made paths that come to machines, as `target path`
 */
export function judgeBeside(placed: readonly Placed[], made: Iterable<string>): Finding[] {
  const needs = placed.flatMap((one) =>
    one.parsed.flatMap((unit) =>
      whatNeeds(unit).files.flatMap((need) =>
        need.beside === undefined ? [] : [{ ...need, beside: need.beside, one }],
      ),
    ),
  );
  if (needs.length === 0) return [];
  const there = new Set<string>();
  const add = (target: string, path: string): void => {
    for (let at = path; at !== '' && !there.has(`${target} ${at}`); at = at.slice(0, at.lastIndexOf('/')))
      there.add(`${target} ${at}`);
  };
  for (const one of made) add(...(one.split(/ (.*)/s) as [string, string]));
  for (const { target, source, artifacts } of placed) {
    for (const { path } of source.file.dirs) add(target, bare(path));
    for (const { to } of artifacts) add(target, bare(to));
  }
  return needs.flatMap(({ name, place, beside, one }): Finding[] => {
    const { app, target, source } = one;
    if (there.has(`${target} ${name}`)) return [];
    const inFolder = bare(beside.replace(/^(\.\/)+/, ''));
    const isOwn = [...source.folder.keys()].some((path) => `${path}/`.startsWith(`${inFolder}/`));
    const message = `Podman looks for ${beside} at ${name} on ${target}, where nothing puts it`;
    const near = [...there].find((path) => path.startsWith(`${target} `) && path.endsWith(`/${inFolder}`));
    const suggestion =
      near === undefined
        ? 'Place it by files: and write the path where it is then.'
        : `Did you mean ${near.slice(target.length + 1)}?`;
    const unless = [`${app}.files`, ...unlessFile(app, inFolder)];
    const found = fault(place, 'file_beside', message, suggestion, unless);
    return [isOwn ? found : { ...found, severity: 'warning' }];
  });
}

const bare = (path: string): string => path.replace(/\/+$/, '');
