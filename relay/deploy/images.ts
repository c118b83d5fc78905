import { expandSpecifiers } from '../../schema/quadlet/names.ts';
import { all, lastValue, type Unit } from '../../schema/quadlet/unit.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';
import { readInstalledUnits } from './installed-units.ts';
import { isTemplate, unitsOf } from './units.ts';

const lookMs = 60_000;
const pullMs = 30 * 60_000;
const maxBytes = 1024 * 1024;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export type ImageReason = MachineReason | 'image_missing' | 'image_unreachable';

/**
 * Sees to it that the images are there which the services want, before anything is stopped for them: a pull may take
 * long, and may fail.
 */
export async function bringImages(
  machine: Machine,
  part: ReleasePart,
  services: readonly string[],
  signal: AbortSignal,
): Promise<Result<true, ImageReason>> {
  const wanted = new Set(services.map((name) => name.replace(/@.*\./, '@.')).concat(services));
  const named = unitsOf(part).filter(({ service }) => wanted.has(service) || isTemplate(service));
  const units = await readInstalledUnits(machine, part, new Set(named.map(({ service }) => service)));
  if (!units.ok) return units;
  const images = new Map([...units.value].flatMap(([service, unit]) => imageOf(service, unit)));
  if (images.size === 0) return ok(true);
  const run = (words: readonly string[], timeoutMs: number) =>
    machine.run(['podman', ...words], { timeoutMs, maxBytes, signal });
  const there = await run(['image', 'inspect', '--format', '{{.Id}}', '--', ...images.keys()], lookMs);
  if (!there.ok) return there;
  if (there.value.code === 0) return ok(true);
  for (const [image, mayPull] of images) {
    const known = await run(['image', 'exists', '--', image], lookMs);
    if (!known.ok) return known;
    if (known.value.code === 0) continue;
    if (!mayPull) return refuse('image_missing', `${image} is not on ${machine.name}`);
    const pulled = await run(['pull', '--quiet', '--', image], pullMs);
    if (!pulled.ok) return pulled.reason === 'timeout' ? refuse('image_unreachable', image) : pulled;
    if (pulled.value.code === 0) continue;
    const said = text(pulled.value.stderr);
    const missing = /manifest unknown|name unknown|not found|denied|unauthorized|image not known/i.test(said);
    return refuse(missing ? 'image_missing' : 'image_unreachable', `${image}: ${said.trim().slice(-300)}`);
  }
  return ok(true);
}

/** The image of a container that Podman would look for itself, and whether it may be pulled. */
function imageOf(service: string, unit: Unit): [string, boolean][] {
  if (unit.name.kind !== 'container') return [];
  const said = lastValue(unit, 'Container', 'Image');
  const image = said && expandSpecifiers(said, unit.name, service.replace(/\.service$/, ''));
  // Made by another unit, or known to systemd alone.
  if (!image || /\.(image|build)$/.test(image)) return [];
  // What Podman is told besides may say where it comes from, and by which right.
  if (all(unit, 'Container', 'PodmanArgs').some(({ value }) => /authfile|tls-verify|creds/.test(value)))
    return [];
  const isLocal = image.startsWith('localhost/') || lastValue(unit, 'Container', 'Pull') === 'never';
  return [[image, !isLocal]];
}
