import { statusSchema } from '../../../schema/api/house.ts';
import { repoOption } from '../build-folder.ts';
import { type Context, defineCommand } from '../command.ts';
import { acceptedText, fetchDeployment, orderParts, waitFor } from '../deploy/deploy-parts.ts';
import { checkKept, type Draft, draftDeployment } from '../deploy/draft.ts';
import { draftJson, draftLines } from '../deploy/draft-text.ts';
import { type ExcerptValues, excerptOptions } from '../deploy/excerpts.ts';
import { getReady, type Ready } from '../deploy/get-ready.ts';
import { breachesFailure } from '../deploy/judge-parts.ts';
import { keepAwake } from '../deploy/keep-awake.ts';
import { readWanted, type Wanted } from '../deploy/read-release.ts';
import { findSleepers, type Sleepers, sleepersText } from '../deploy/sleepers.ts';
import { type Done, done, exits, type Failure, fail } from '../outcome.ts';
import { confirm } from '../passphrase.ts';
import { listed } from '../text.ts';

export const deploy = defineCommand({
  name: 'deploy',
  summary: 'Bring a release to its targets, signed by the operator key',
  usage: '',
  more: [
    'The repo is built here, compared with what runs, and shown in a few lines; after your word it is signed on this computer, and only what the control plane lacks is uploaded. A cut loses nothing: the same command goes on from there. Targets that run their part already are left out.',
    '--only brings a whole target, or one app and keeps the other apps of its target as they run now: their files and units go into what is signed unchanged, so the target’s relay must have said within ten minutes what runs there. What other apps are told of that app, such as the routes of a proxy, stays as it is until they are deployed, too. A target named with --only of which the repo has no app is emptied.',
    '--wake wakes only what is off and stands between the release and a target, each by an order of its own that is signed here; a guest that would need another one shut down first is left asleep. When the deployment has ended, well or badly, what was off before is shut down gracefully, guests first: what came up by itself goes with its host, and what somebody uses by then, or ordered something of, stays on.',
    'It ends with 0 when all is healthy, or accepted without --wait; 1 when a target went back to what it ran; 3 when somebody refused; 5 when a target waits, such as one whose host is off.',
  ],
  examples: [
    { line: 'writ deploy --dry-run', about: 'what would be done, and whether relays would take it' },
    {
      line: 'writ deploy --wait',
      about: 'asks, deploys, and tells of each target: deployed, healthy, synced',
    },
    { line: 'writ deploy --wake', about: 'the same, and what is off is woken and put back to sleep' },
    { line: 'writ deploy --only grafana --wait', about: 'one app, wherever it is' },
    { line: 'writ deploy --release home.tar --yes --json', about: 'what was built before, for a script' },
  ],
  options: {
    ...repoOption,
    release: { type: 'text', value: 'FILE', about: 'a release file in place of a repo' },
    only: { type: 'list', value: 'TARGET|APP', about: 'a target, an app, or app@target alone' },
    again: {
      type: 'flag',
      about: 'also what runs already, and what failed before: puts back what differs',
    },
    wait: { type: 'flag', about: 'wait for the outcome' },
    ...excerptOptions,
    wake: {
      type: 'flag',
      about: 'wake hosts and start guests that are off, wait for the outcome, and put them back',
    },
    'dry-run': { type: 'flag', about: 'sign and upload nothing' },
    yes: { type: 'flag', about: 'do not ask' },
  },
  async run(context, _, values) {
    const { repo, release, only, again } = values;
    if (repo !== undefined && release !== undefined)
      return fail(exits.usage, 'usage', 'It is either --repo or --release.');
    const ready = await getReady(context);
    if (!ready.ok) return ready;
    context.progress.say('Building the release');
    const wanted = await readWanted({ repo, release });
    if (!wanted.ok) return wanted;
    const now = context.now();
    const draft = await draftDeployment(ready.value, wanted.value.release, { only, again, now });
    if (!draft.ok) return draft;
    return act(context, ready.value, wanted.value, draft.value, values);
  },
});

async function act(
  context: Context,
  ready: Ready,
  { commit, notes }: Wanted,
  draft: Draft,
  values: ExcerptValues & {
    readonly again: boolean;
    readonly wait: boolean;
    readonly wake: boolean;
    readonly 'dry-run': boolean;
    readonly yes: boolean;
  },
): Promise<Done | Failure> {
  const { session } = ready;
  const { selection, breaches, blobs, release } = draft;
  const { chosen } = selection;
  const underWay = selection.leftOut.filter(({ deployment }) => deployment !== null);
  const sleepers = values.wake
    ? await askSleepers(
        ready,
        [...chosen, ...underWay].map(({ target }) => target),
      )
    : null;
  if (sleepers !== null && !sleepers.ok) return sleepers;
  const asleep = sleepers === null ? [] : sleepersText(sleepers.value);
  const lines = [...notes, ...draftLines(ready, draft), ...asleep];
  const json = draftJson(draft, commit);
  const refused = breachesFailure(breaches);
  if (values['dry-run']) {
    if (refused !== null) lines.push(refused.detail);
    lines.push(chosen.length === 0 ? 'There is nothing to deploy.' : 'Nothing was signed or uploaded.');
    return done(lines.join('\n'), json, refused?.exit ?? exits.ok);
  }
  if (refused !== null) return refused;
  const waits = values.wait || values.wake;
  if (chosen.length === 0 && (!waits || underWay.length === 0)) {
    return done([...lines, 'There is nothing to deploy.'].join('\n'), json);
  }
  context.progress.end();
  if (!context.json || !values.yes) context.terminal.err(`${lines.join('\n')}\n`);
  if (chosen.length > 0) {
    const kept = await checkKept(
      session.api,
      chosen.map(({ part }) => part),
      blobs,
    );
    if (!kept.ok) return kept;
    const question = `Deploy to ${listed(chosen.map(({ target }) => target))}?`;
    const agreed = await confirm(context, question, values.yes);
    if (agreed !== true) return agreed;
  } else if (asleep.length > 0) {
    const agreed = await confirm(context, 'Wake it?', values.yes);
    if (agreed !== true) return agreed;
  }
  const work = async (): Promise<Done | Failure> => {
    const views = [];
    if (chosen.length > 0) {
      const { again } = values;
      const agreed = { release, commit, parts: chosen, blobs, again };
      const ordered = await orderParts(context, session, ready.desk, ready.sights, agreed);
      if (!ordered.ok) return ordered;
      views.push(ordered.value.view);
    }
    if (!waits) return acceptedText(views);
    for (const id of new Set(underWay.map(({ deployment }) => deployment!))) {
      const view = await fetchDeployment(session, id);
      if (!view.ok) return view;
      views.push(view.value);
    }
    return waitFor(context, session, views, values);
  };
  return sleepers === null ? work() : keepAwake(context, session, ready.trust, sleepers.value, work);
}

/** Asks what of these targets is off. */
async function askSleepers(
  { session, trust }: Ready,
  targets: readonly string[],
): Promise<{ ok: true; value: Sleepers } | Failure> {
  const status = await session.api.call({ method: 'GET', url: '/v1/status', answer: statusSchema });
  if (!status.ok) return status;
  return { ok: true, value: findSleepers(trust.document.house, status.value, targets) };
}
