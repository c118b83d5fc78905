import { type GuestPackage, guestLook, guestPackages } from '../../../schema/actions/guest-look.ts';
import { didYouMean } from '../../../schema/near.ts';
import { own } from '../../../schema/wire/record.ts';
import { type Context, defineCommand } from '../command.ts';
import { codeText, todoOf } from '../deploy/words.ts';
import { exitOfState, followCommand, giveOrder, orderOptions, proveSteps, signPlan } from '../order.ts';
import { type Done, done, exits, type Failure, fail } from '../outcome.ts';
import { confirm } from '../passphrase.ts';
import { openSession, refreshTrust } from '../session.ts';
import { listed } from '../text.ts';

/** What each package is for. */
const uses: Readonly<Record<GuestPackage, string>> = {
  podman: 'runs the containers',
  age: 'opens secrets on the guest',
  'qemu-guest-agent': 'lets the relay of its host in',
  'aardvark-dns': 'lets containers find each other by name',
  catatonit: 'is what RunInit= starts',
};

export const guestsPrepare = defineCommand({
  name: 'guests prepare',
  summary: 'Show what a guest lacks for releases, and install it',
  usage: 'GUEST',
  more: [
    'Two orders that are signed here: guest.look says which of a fixed list of Debian’s packages the guest lacks, and after your word guest.prepare installs those from the guest’s own sources, without what they only recommend. Nothing is removed. What the guest has is left as it is, so that it may be said again at any time.',
    'The relay comes in by the guest agent: where that is missing, install qemu-guest-agent on the guest’s console first. A container (LXC) is prepared by hand.',
  ],
  examples: [
    { line: 'writ guests prepare websvcs', about: 'shows what is missing, asks, and installs it' },
    { line: 'writ guests prepare websvcs --dry-run', about: 'only looks' },
  ],
  options: { ...orderOptions, 'dry-run': { type: 'flag', about: 'only look' } },
  async run(context, [guest = ''], values) {
    const lacks = await look(context, guest);
    if (!lacks.ok || 'text' in lacks) return lacks;
    const names = lacks.value;
    if (names.length === 0) return done(`${guest} has all that releases need.`, { guest, lacks: names });
    const lines = names.map((name) => `  ${name.padEnd(16)}  ${uses[name]}`);
    const told = [`${guest} lacks these packages:`, ...lines].join('\n');
    if (values['dry-run']) return done(`${told}\nNothing was installed.`, { guest, lacks: names });
    context.progress.end();
    if (!context.json || !values.yes) context.terminal.err(`${told}\n`);
    const question = `Install ${listed(names)} on ${guest}?`;
    const agreed = await confirm(context, question, values.yes);
    if (agreed !== true) return agreed;
    const order = { action: 'guest.prepare', target: guest, params: {} };
    return giveOrder(context, () => ({ ok: true, value: order }), values);
  },
});

/** What a guest lacks, by its relay's signed word; or how it came that nobody knows. */
async function look(
  context: Context,
  guest: string,
): Promise<{ ok: true; value: readonly GuestPackage[] } | Done | Failure> {
  const session = await openSession(context);
  if (!session.ok) return session;
  const trust = await refreshTrust(session.value);
  if (!trust.ok) return trust;
  const { guests } = trust.value.document.house;
  if (own(guests, guest) === undefined) {
    const near = didYouMean(guest, Object.keys(guests));
    return fail(exits.usage, 'target_unknown', `There is no guest ${guest}.${near}`);
  }
  const order = { action: guestLook.type, target: guest, params: {} };
  const wanted = { order, runbook: null };
  const ordered = await signPlan(context, session.value, trust.value, wanted, async () => true);
  if (!ordered.ok) return ordered;
  const ended = await followCommand(context, session.value, ordered.value.accepted);
  if (!ended.ok) return ended;
  const command = ended.value;
  const steps = await proveSteps(session.value, ordered.value.plan, command);
  if (!steps.ok) return steps;
  if (command.state !== 'succeeded') {
    const { code } = command;
    const lines = code === null ? [] : [`Code: ${codeText(code)}`, ...todoOf(code)];
    const text = [command.sentence, ...lines, 'Nothing was installed.'].join('\n');
    return done(text, { command }, exitOfState[command.state]);
  }
  const result = steps.value.at(-1)?.receipt?.result ?? {};
  return { ok: true, value: guestPackages.filter((name) => result[name] !== true) };
}
