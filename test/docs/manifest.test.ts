import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { appSchema } from '../../schema/manifest/app.ts';
import { homelabSchema } from '../../schema/manifest/homelab.ts';
import { toldOf } from '../src/config/adoption/built.ts';
import { sectionOf } from '../support/doc-lines.ts';
import { buildTree, type Tree } from '../support/repo-fixture.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');

/** The names in the first column of a section's table. */
const namesIn = (heading: string): string[] =>
  [...sectionOf(page, heading).matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
  );

test('the page names every member of app.yaml and homelab.yaml, and no other', () => {
  assert.deepEqual(namesIn('What an app says').toSorted(), Object.keys(appSchema.entries).toSorted());
  assert.deepEqual(namesIn('What the home says').toSorted(), Object.keys(homelabSchema.entries).toSorted());
});

const blockOf = (heading: string, path: string): string => {
  const [, text] =
    new RegExp(`^\`\`\`(?:yaml|jinja)\\n(?:# |\\{# )${path}(?: #\\})?\\n([\\s\\S]*?)^\`\`\``, 'm').exec(
      sectionOf(page, heading),
    ) ?? [];
  assert.ok(text !== undefined, path);
  return text;
};

const homelab = blockOf('From nothing', 'homelab.yaml');
const comments: Tree = {
  'apps/comments/app.yaml': blockOf('What an app says', 'apps/comments/app.yaml'),
  'apps/comments/comments.toml.j2': blockOf('What an app says', 'apps/comments/comments.toml.j2'),
  'apps/comments/comments.container':
    '[Container]\nImage=comments.build\nVolume=/etc/opt/comments:/etc/comments:ro\nVolume=commentsdata.volume:/data\n',
  'apps/comments/commentsdata.volume': '[Volume]\n',
  'apps/comments/words.txt': 'x\n',
  'secrets/websvcs/comments_smtp.age': 'age',
};

test('the app of the page builds as the page says', async () => {
  const built = await buildTree({ 'homelab.yaml': homelab, ...comments });
  assert.deepEqual(toldOf(built), []);
  assert.deepEqual(
    built.release!.manifest.parts[0]!.files.map(({ path }) => path),
    [
      '/etc/containers/systemd/comments.build',
      '/etc/containers/systemd/comments.container',
      '/etc/containers/systemd/comments.container.d/90-writ-secrets.conf',
      '/etc/containers/systemd/commentsdata.volume',
      '/etc/opt/comments/comments.toml',
      'volume:commentsdata/words.txt',
    ],
  );
});

test('what the page says of the home checks', async () => {
  const more = blockOf('What the home says', 'more.yaml');
  const built = await buildTree({ 'homelab.yaml': `${homelab}${more}`, ...comments });
  assert.deepEqual(toldOf(built), []);
  assert.deepEqual(Object.keys(built.home!.backups), ['nightly']);
});
