import type { Update } from '../../../schema/manifest/native.ts';
import { parseImage } from '../../../schema/quadlet/image.ts';
import { whatNeeds } from '../../../schema/quadlet/needs.ts';
import { lastValue } from '../../../schema/quadlet/unit.ts';
import type { Placed } from '../compile/units.ts';
import type { Finding } from '../finding.ts';

/** A version down to its last part, or a date: what nobody gives to another image. */
const isWhole = (tag: string): boolean => /(^|[^0-9])[0-9]+\.[0-9]+\.[0-9]+|[0-9]{8}/.test(tag);

/** Images that may change by themselves further than their app lets them. */
export function judgeImages(placed: readonly Placed[]): Finding[] {
  return placed.flatMap(({ app, update, parsed }) => {
    if (update === undefined || update === 'floating') return [];
    return parsed.flatMap((unit) => {
      const isUpdated =
        unit.name.kind === 'container' && /^registry$/.test(lastValue(unit, 'Container', 'AutoUpdate') ?? '');
      return whatNeeds(unit).images.flatMap(({ name, place }) => {
        const doubt = doubtOf(name, update, isUpdated);
        if (doubt === null) return [];
        const { message, suggestion } = doubt;
        return [
          {
            ...place,
            severity: 'warning' as const,
            code: 'image_floating',
            message: `${message}, and ${app} says update: ${update}`,
            suggestion,
          },
        ];
      });
    });
  });
}

function doubtOf(
  name: string,
  update: Update,
  isUpdated: boolean,
): { readonly message: string; readonly suggestion: string } | null {
  const image = parseImage(name);
  if (image === null || typeof image === 'string' || image.registry === 'localhost') return null;
  const { tag, digest } = image;
  if (digest !== undefined) return null;
  if (tag === undefined || !/[0-9]/.test(tag)) {
    const says = tag === undefined ? 'names no version' : `stands for another image after each release`;
    return { message: `${name} ${says}`, suggestion: 'Write a version as its tag, or say update: floating.' };
  }
  if (update === 'minor') return null;
  if (isUpdated) {
    const suggestion = 'Take AutoUpdate away, or say update: minor.';
    return { message: `the unit updates ${name} by itself`, suggestion };
  }
  if (isWhole(tag)) return null;
  const suggestion = 'Write the whole version or add @sha256:…, or say update: minor.';
  return { message: `${name} may become a later one`, suggestion };
}
