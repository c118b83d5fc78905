import type { Release } from '../../../schema/wire/release.ts';
import { planMarkdown } from '../../config/plan/markdown.ts';
import { makePlan } from '../../config/plan/plan.ts';
import type { Plan } from '../../config/plan/planned.ts';
import { planText } from '../../config/plan/text.ts';
import { buildBoth } from '../build-both.ts';
import { buildRepos, readRepoFrom, repoOption } from '../build-folder.ts';
import { type Context, defineCommand } from '../command.ts';
import { draftDeployment } from '../deploy/draft.ts';
import { draftNotes } from '../deploy/draft-text.ts';
import { getReady } from '../deploy/get-ready.ts';
import { readRelease, readWanted } from '../deploy/read-release.ts';
import { findingsJson, findingsText } from '../findings.ts';
import { type Done, done, exits, type Failure, fail } from '../outcome.ts';
import { jsonLine } from '../text.ts';

const formats = ['text', 'markdown', 'json'];

const broken = (what: string, findings: Parameters<typeof findingsText>[0]): Done =>
  done(
    [...findingsText(findings), `${what} does not build, so there is no plan.`].join('\n'),
    { ...findingsJson(findings), plan: null },
    exits.failed,
  );

export const plan = defineCommand({
  name: 'plan',
  summary: 'Say what a change of the repo would do',
  usage: '',
  more: [
    'Two releases are made and compared on this computer: no network, no keys. Without --against, the repo’s folder is compared with what its last commit has. Secrets are told by name.',
    '--live compares with what runs: the control plane is asked what relays last signed, and for the bytes of what changes, each of which is held against its digest.',
  ],
  examples: [
    { line: 'writ plan', about: 'what is not committed yet would do' },
    { line: 'writ plan --base origin/main --format markdown', about: 'for a comment on a pull request' },
    { line: 'writ plan --live', about: 'what writ deploy would do' },
    { line: 'writ plan --against home.tar', about: 'compared with a release that writ config build wrote' },
  ],
  options: {
    ...repoOption,
    base: { type: 'text', value: 'REV', about: 'the commit to compare with (default: HEAD)' },
    against: { type: 'text', value: 'FILE', about: 'the release file to compare with' },
    live: { type: 'flag', about: 'compare with what runs on the targets' },
    format: { type: 'text', value: 'FORMAT', about: 'text, markdown or json (default: text)' },
  },
  async run(context, _, { repo = '.', base, against, live, format = 'text' }) {
    if (!formats.includes(format)) {
      return fail(exits.usage, 'usage', `The format is one of ${formats.join(', ')}, not ${format}.`);
    }
    if ([base !== undefined, against !== undefined, live].filter((given) => given).length > 1) {
      return fail(exits.usage, 'usage', 'It is compared with one of --base, --against and --live.');
    }
    if (live) return comparedLive(context, repo, format);
    const read = readRepoFrom(repo);
    if (!read.ok) return read;
    let before: Release | null = null;
    let after: Release;
    if (against !== undefined) {
      const given = await readRelease(against, 'Nothing was compared.');
      if (!given.ok) return given;
      before = given.value;
      const [built] = await buildRepos([read.value]);
      if (built!.release === undefined) return broken('The repo', built!.findings);
      after = built!.release;
    } else {
      const revision = base ?? 'HEAD';
      const both = await buildBoth(repo, read.value, revision);
      if (!both.ok) return both;
      const { head, base: built } = both.value;
      if (head.release === undefined) return broken('The repo', head.findings);
      after = head.release;
      if (built !== null && built.release === undefined)
        return broken(`The repo at ${revision}`, built.findings);
      before = built?.release ?? null;
    }
    return shown(makePlan(before, after), format);
  },
});

function shown(made: Plan, format: string, notes: readonly string[] = []): Done {
  const text =
    format === 'markdown'
      ? planMarkdown(made).trimEnd()
      : format === 'json'
        ? jsonLine(made)
        : [planText(made), ...notes].join('\n');
  return done(text, made);
}

async function comparedLive(context: Context, repo: string, format: string): Promise<Done | Failure> {
  const ready = await getReady(context);
  if (!ready.ok) return ready;
  const wanted = await readWanted({ repo });
  if (!wanted.ok) return wanted;
  const wishes = { only: [], again: false, now: context.now() };
  const draft = await draftDeployment(ready.value, wanted.value.release, wishes);
  if (!draft.ok) return draft;
  return shown(draft.value.plan, format, draftNotes(ready.value, draft.value));
}
