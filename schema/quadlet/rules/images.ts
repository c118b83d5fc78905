import { parseImage } from '../image.ts';
import type { Rule } from '../machine.ts';
import { sectionOf } from '../names.ts';
import { type Assigned, all, last, lastValue, placeOf } from '../unit.ts';
import { withoutQuotes } from '../words.ts';

/** References of images, and what auto-update makes of them. */
export const judgeImages: Rule = (unit, _machine, tell) => {
  const { kind } = unit.name;
  if (kind !== 'container' && kind !== 'image' && kind !== 'volume' && kind !== 'build') return;
  const section = sectionOf(kind);
  const given: readonly Assigned[] =
    kind === 'build'
      ? all(unit, section, 'ImageTag')
      : [last(unit, section, 'Image')].filter((one) => one !== undefined);
  for (const one of given) {
    const text = withoutQuotes(one.value);
    if (text === '' || /[%$]/.test(text) || /\.(image|build)$/.test(text)) continue;
    const image = parseImage(text);
    if (typeof image === 'string') tell(placeOf(one), 'bad_image', image);
    if (image === null || typeof image === 'string' || kind === 'build') continue;
    const update = kind === 'container' ? lastValue(unit, section, 'AutoUpdate') : undefined;
    const isUpdated = update === 'registry';
    if (image.registry === undefined) {
      const tag = isUpdated && image.tag === undefined && image.digest === undefined ? ':latest' : '';
      const full = `docker.io/${image.repository.includes('/') ? '' : 'library/'}${text}${tag}`;
      tell(
        placeOf(one),
        'image_short',
        isUpdated
          ? `auto-update needs an image with its registry, and ${text} has none`
          : `${text} names no registry: which one answers depends on the machine`,
        { ...(!isUpdated && { warning: true }), suggestion: `Write the registry, such as ${full}.` },
      );
    }
    if (!isUpdated || image.registry === undefined) continue;
    const warn = { warning: true } as const;
    if (image.registry === 'localhost') {
      const suggestion = 'Say AutoUpdate=local.';
      tell(placeOf(one), 'image_local_updated', `no registry has ${text}`, { ...warn, suggestion });
    } else if (image.digest !== undefined) {
      const message = `${text} stays what its digest says, however often it is updated`;
      tell(placeOf(one), 'image_digest_updated', message, warn);
    } else if (image.tag === undefined) {
      tell(placeOf(one), 'image_untagged', `auto-update follows a tag, and ${text} has none`, {
        suggestion: `Write the tag: ${text}:latest, or a version's.`,
      });
    }
  }
};
