import * as v from 'valibot';
import { digestBytes } from '../../../schema/jose/digest.ts';
import { homeIdSchema } from '../../../schema/wire/ids.ts';
import { buildBoth } from '../build-both.ts';
import { buildRepos, readRepoFrom, repoOption } from '../build-folder.ts';
import { makeOrder, readRun, strangerToRun } from '../ci/make-order.ts';
import { writeOrderFile } from '../ci/order-file.ts';
import { defineCommand } from '../command.ts';
import { findingsJson, findingsText } from '../findings.ts';
import { done, exits, fail } from '../outcome.ts';
import { replaceOutput } from '../output.ts';

export const ciOrder = defineCommand({
  name: 'ci order',
  summary: 'Build the order of a workflow’s run, which its deploy job hands over',
  usage: '',
  more: [
    'It takes the run, its attempt and the commit from the environment that GitHub Actions gives a job (GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, GITHUB_SHA). It needs no key and no network: nobody has authorised the order yet. The file holds the order’s bytes and every byte that it names, and is verified as a whole by who takes it.',
    'The Action’s check does the same. This is for workflows that build by themselves, and for looking at what one would order.',
  ],
  examples: [
    {
      line: 'writ ci order --home h_01K0000000000000000000000A --on websvcs -o home.order',
      about: 'the order of this run, for one target',
    },
  ],
  options: {
    ...repoOption,
    home: { type: 'text', value: 'ID', about: 'the home’s id, as writ trust show tells it' },
    on: { type: 'list', value: 'TARGET', about: 'a virtual machine that trust lets the workflow release to' },
    output: { type: 'text', short: 'o', value: 'FILE', about: 'where the order goes (default: home.order)' },
  },
  async run(context, _, { repo = '.', home, on, output = 'home.order' }) {
    const usage = (detail: string) => fail(exits.usage, 'usage', `${detail} Nothing was written.`);
    if (!v.is(homeIdSchema, home)) return usage('It needs the home’s id: --home h_….');
    if (on.length === 0) return usage('It needs a target: --on TARGET.');
    const run = readRun(context.env);
    if (run === null) {
      return usage(
        'It is of no run: GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT and GITHUB_SHA are what a job of GitHub Actions has.',
      );
    }
    const read = readRepoFrom(repo);
    if (!read.ok) return read;
    const stranger = await strangerToRun(repo, read.value, run);
    if (stranger !== null) return usage(`It is not what the run is of: ${stranger}.`);
    const both = await buildBoth(repo, read.value, `${run.commit}^1`);
    // Where the commit before is not there, failures are shown at all apps of a target.
    const head = both.ok ? both.value.head : (await buildRepos([read.value]))[0]!;
    const { findings, release } = head;
    if (release === undefined) {
      const text = [...findingsText(findings), 'Nothing was written.'].join('\n');
      return done(text, { ...findingsJson(findings), digest: null }, exits.failed);
    }
    const before = (both.ok ? both.value.base?.release : undefined) ?? null;
    const made = await makeOrder(release, before, { home, targets: on, run, now: context.now() });
    if (!made.ok) return usage(`There is no order: ${made.detail ?? made.reason}.`);
    const bytes = writeOrderFile(made.value);
    replaceOutput(output, bytes);
    const digest = await digestBytes(bytes);
    return done([...findingsText(findings), digest].join('\n'), {
      ...findingsJson(findings),
      digest,
      order: made.value.order,
    });
  },
});
