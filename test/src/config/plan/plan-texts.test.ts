import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planMarkdown } from '../../../../src/config/plan/markdown.ts';
import { planText } from '../../../../src/config/plan/text.ts';
import { smallHome } from '../../../support/repo-fixture.ts';
import { planOf } from './plan-of.ts';

const yaml = smallHome['apps/web/app.yaml'] as string;

test('the texts of a plan are short and say it all', async () => {
  const plan = await planOf({
    'vars.yaml': 'colour: red\n',
    'apps/web/motd': undefined,
    'apps/web/app.yaml': yaml.replace(/\n {2}- \{ from: motd.*/, ''),
  });
  const digests = `${plan.before} → ${plan.after}`;
  assert.equal(
    planText(plan),
    `websvcs
  web
    restart web.service (/etc/opt/web/web.ini)
    untouched webdata-volume.service
    - /etc/opt/web/motd
    ~ /etc/opt/web/web.ini

websvcs
--- a/etc/opt/web/motd
+++ /dev/null
@@ -1,1 +0,0 @@
-hello

websvcs
--- a/etc/opt/web/web.ini
+++ b/etc/opt/web/web.ini
@@ -1,2 +1,2 @@
 address = 192.168.20.11
-colour = blue
+colour = red

${digests}`,
  );
  assert.equal(
    planMarkdown(plan),
    `### \`websvcs\`

- **\`web\`**: restart
  - \`restart web.service (/etc/opt/web/web.ini)\`
  - \`untouched webdata-volume.service\`
  - \`- /etc/opt/web/motd\`
  - \`~ /etc/opt/web/web.ini\`

<details><summary><code>websvcs:/etc/opt/web/motd</code></summary>

\`\`\`diff
--- a/etc/opt/web/motd
+++ /dev/null
@@ -1,1 +0,0 @@
-hello
\`\`\`

</details>

<details><summary><code>websvcs:/etc/opt/web/web.ini</code></summary>

\`\`\`diff
--- a/etc/opt/web/web.ini
+++ b/etc/opt/web/web.ini
@@ -1,2 +1,2 @@
 address = 192.168.20.11
-colour = blue
+colour = red
\`\`\`

</details>

\`${plan.before}\` → \`${plan.after}\`
`,
  );
});

test('nothing in a file gets out of its block in Markdown, and what is long is cut', async () => {
  const evil = '```\n</details>\n@everyone [x](javascript:x)\n````\n';
  const plan = await planOf({ 'apps/web/motd': evil });
  assert.ok(planMarkdown(plan).includes('`````diff\n'));
  const long = await planOf(
    Object.fromEntries([
      ['apps/web/app.yaml', yaml.replace('files:', 'files:\n  - { from: many/, to: /etc/opt/web/many/ }')],
      ...Array.from({ length: 200 }, (_, i) => [`apps/web/many/${i}`, `${'x'.repeat(100)}\n`.repeat(90)]),
    ]),
  );
  const text = planMarkdown(long);
  assert.ok(text.length < 65_536);
  assert.match(text, /… and 13 lines more/);
  assert.match(text, /\d+ more diffs do not fit here; `writ plan` shows them\./);
});

test('what a page would show elsewhere, as a line of its own or not at all is shown as what it is', async () => {
  const plan = await planOf({ 'apps/web/motd': 'hello\r-hello\n\u202eolleh\u202c\u200b\ufeff\n``\u200e`\n' });
  const text = planMarkdown(plan);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u200b-\u200f\u2028-\u202e\ufeff]/);
  assert.ok(text.includes('+hello\\u000d-hello\n+\\u202eolleh\\u202c\\u200b\\ufeff\n+``\\u200e`\n'));
});
