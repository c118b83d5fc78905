import * as v from 'valibot';
import { didYouMean } from '../../../schema/near.ts';
import { nameSchema } from '../../../schema/wire/ids.ts';
import { own, recordOf } from '../../../schema/wire/record.ts';
import { unlessNamed } from '../broken.ts';
import type { Home } from '../home.ts';
import { byText } from '../repo.ts';
import type { Generator, Tell } from './generator.ts';
import { mergeOver } from './shared/merge.ts';
import { filesBy } from './shared/outputs.ts';

/** What the script itself reads, passed on as it is. */
const nativeSchema = recordOf(v.string(), v.unknown());

export const lldapOptionsSchema = v.strictObject({
  people: v.pipe(
    v.optional(
      recordOf(
        nameSchema,
        v.pipe(
          nativeSchema,
          v.check((members) => !Object.hasOwn(members, 'password'), 'must not hold a password in clear'),
        ),
      ),
      {},
    ),
    v.description(
      'More of a person, by name: `firstName`, `avatar_url`, `password_file`, attributes of the owner’s own.',
    ),
  ),
  groups: v.pipe(
    v.optional(recordOf(nameSchema, nativeSchema), {}),
    v.description('More of a group, by name, be it one that nobody is in yet.'),
  ),
});
type Options = v.InferOutput<typeof lldapOptionsSchema>;

/** LLDAP: the people of the home and their groups, as its bootstrap script reads them. */
export const lldap: Generator = {
  name: 'lldap',
  about: 'people and groups for the bootstrap script of LLDAP',
  // By its script: it is in the image from 0.6 on, and reads these folders.
  upstream: { program: 'LLDAP', from: '0.6', below: '0.7' },
  options: lldapOptionsSchema,
  outputs: {
    bootstrap: {
      about: 'a folder with user-configs and group-configs, a file each; no passwords',
      kind: 'folder',
      // A directory may be kept by hand.
      needed: () => [],
      generate: filesBy(lldapOptionsSchema, ({ home }, options, tell) => bootstrapOf(home, options, tell)),
    },
  },
};

function bootstrapOf({ people, access }: Home, options: Options, tell: Tell): Record<string, string> {
  for (const name of Object.keys(options.people)) {
    if (own(people, name) !== undefined) continue;
    tell({
      severity: 'error',
      code: 'wrong_option',
      message: `options.people names ${name}, who is none of the people`,
      suggestion: didYouMean(name, Object.keys(people)),
      unless: unlessNamed(name, 'people'),
    });
  }
  const groups = new Set([
    ...Object.values(people).flatMap((person) => person.groups),
    ...Object.values(access).flatMap((one) => one.groups),
    ...Object.keys(options.groups),
  ]);
  const text = (base: object, more: object | undefined): string =>
    `${JSON.stringify(mergeOver({ ...base }, { ...more }), null, 2)}\n`;
  return Object.fromEntries([
    ...[...groups]
      .sort(byText)
      .map((name) => [`group-configs/${name}.json`, text({ name }, own(options.groups, name))] as const),
    ...Object.values(people).map(({ name, title = name, email, groups: among }) => {
      const person = { id: name, email, displayName: title, groups: [...new Set(among)].sort(byText) };
      return [`user-configs/${name}.json`, text(person, own(options.people, name))] as const;
    }),
  ]);
}
