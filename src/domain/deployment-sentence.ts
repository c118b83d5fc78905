import { atStart } from '../../schema/actions/sentence.ts';
import type { TargetState } from '../../schema/api/deployments.ts';
import { type Deployment, hasBegun, type PartRecord } from './deployment.ts';
import { phraseOf } from './phrases.ts';
import type { Names } from './sentence.ts';
import { titleOf } from './titles.ts';

/** Refusals for a reason that passes: the same part may go well another time. */
const passing: ReadonlySet<string> = new Set([
  'guest_not_running',
  'guest_paused',
  'guest_locked',
  'guest_config_locked',
  'agent_silent',
  'proxmox_unreachable',
  'proxmox_timeout',
  'proxmox_busy',
  'precheck_timeout',
  'limit_reached',
  'trust_expired',
  'blob_unreachable',
  'target_unreachable',
  'target_timeout',
]);

/** How to call a release: by its commit, else by its own digest. */
const releaseTitle = ({ commit, release }: { commit: string | null; release: string }): string =>
  `Release ${commit === null ? release.slice(7, 14) : commit.slice(0, 7)}`;

/** "a, b and c" */
const listed = (words: readonly string[]): string =>
  words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

type Group = { readonly is: (part: PartRecord) => boolean; readonly say: (targets: string) => string };

const inState =
  (...states: readonly TargetState[]) =>
  ({ state }: PartRecord): boolean =>
    states.includes(state);

/** What is said of targets together, in this order. */
const groups: readonly Group[] = [
  { is: inState('healthy'), say: (targets) => `runs on ${targets}` },
  {
    is: (part) => inState('staged', 'activated')(part) || (part.state === 'pending' && hasBegun(part)),
    say: (targets) => `is being brought to ${targets}`,
  },
  { is: (part) => part.state === 'pending' && !hasBegun(part), say: (targets) => `waits for ${targets}` },
  { is: inState('superseded'), say: (targets) => `was passed over on ${targets} for a newer one` },
];

/** One sentence, or more where something went wrong, on how a deployment stands. */
export function deploymentSentence({ order, parts }: Deployment, names: Names): string {
  const title = (name: string): string => titleOf(names.house, name);
  const release = releaseTitle(order);
  const clauses = groups.flatMap(({ is, say }) => {
    const targets = parts.filter(is).map(({ target }) => title(target));
    return targets.length === 0 ? [] : [say(listed(targets))];
  });
  const sentences = clauses.length === 0 ? [] : [`${release} ${listed(clauses)}.`];
  const opening = clauses.length === 0 ? release : 'It';
  for (const part of parts) {
    const sentence = faultSentence(part, opening, title);
    if (sentence !== null) sentences.push(sentence);
  }
  return sentences.join(' ');
}

function faultSentence(part: PartRecord, it: string, title: (name: string) => string): string | null {
  const target = title(part.target);
  const reason = phraseOf(part.code, { target, relay: title(part.relay) });
  if (part.state === 'rolled-back') {
    return `${it} did not come up on ${target}: ${reason}. ${atStart(target)} is as it was before.`;
  }
  if (part.state !== 'failed') return null;
  if (part.code === 'trust_changed' || part.code === 'github_token_expired')
    return `${it} was not brought to ${target}: ${reason}.`;
  if (hasBegun(part)) return `Nobody can say what became of it on ${target}: ${reason}.`;
  const again =
    part.code !== null && passing.has(part.code)
      ? ' A relay takes the same order only once: deploy again when that has passed.'
      : '';
  return `${it} was refused for ${target}: ${reason}. Nothing was changed there.${again}`;
}
