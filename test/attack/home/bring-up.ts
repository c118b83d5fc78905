import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createHome, type Home } from '../../../examples/demo/home.ts';
import { createPhone } from '../../../examples/demo/phone.ts';
import { type Owned, setUp, writ } from '../../../examples/demo/set-up.ts';
import { reader, untilAwake } from '../../../examples/demo/story.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import { deployHome } from '../../support/deploy-repo.ts';
import { type GithubIssuer, startGithubIssuer } from '../../support/github-issuer.ts';
import { issuedWorkflow } from '../../support/workflow-pins.ts';
import { attackedGuests, attackedHouse } from './house.ts';
import { type Listener, listen } from './listen.ts';
import { layTripwires, type Tripwires, tripwiresIn } from './tripwires.ts';

/** A home with some life behind it, right before somebody takes its control plane. */
export type Scene = {
  readonly home: Home;
  readonly owned: Owned;
  /** Where alarms go. */
  readonly ntfy: Listener;
  /** A place that no relay has a reason to go to. */
  readonly decoy: Listener;
  /** Stands for GitHub, whose tokens a workflow of the owner's gets. */
  readonly issuer: GithubIssuer;
  readonly tripwires: Tripwires;
  /** A code by which pve1 may be enrolled anew, made by the owner and not used yet. */
  readonly spareCode: string;
  close(): Promise<void>;
};

const everyGuest = Object.values(attackedGuests).flatMap((guests) => guests.map(({ vmid }) => vmid));

/** Brings up a home of real processes and lets its owner live in it for a moment. `say` hears each step. */
export async function bringUp(say: (text: string) => void, keep: boolean): Promise<Scene> {
  const [ntfy, decoy, issuer] = await Promise.all([listen(), listen(), startGithubIssuer()]);
  const home = await createHome({
    bootMs: 200,
    keep,
    guests: attackedGuests,
    inside: everyGuest,
    relayEnv: (directory) => ({ PATH: tripwiresIn(directory) }),
  });
  const tripwires = layTripwires(home.directory);
  const close = async (): Promise<void> => {
    await home.close();
    ntfy.close();
    decoy.close();
    await issuer.close();
  };
  try {
    const house = (address: string): string => attackedHouse(address, `${ntfy.url}/alarms`);
    const owned = await setUp(home, say, { house });
    await live({ home, owned, issuer }, say);
    const { codes } = (await writ(home, ['relays', 'add', 'pve1'])) as { codes: { code: string }[] };
    return { home, owned, ntfy, decoy, issuer, tripwires, spareCode: codes[0]!.code, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What an owner does in the first days: all of it leaves traces that a thief finds. */
async function live(
  { home, owned, issuer }: Pick<Scene, 'home' | 'owned' | 'issuer'>,
  say: (text: string) => void,
): Promise<void> {
  const api = reader(createPhone({ ...owned, origin: home.origin }));
  await untilAwake(api, ['cloud', 'pve1', 'pve2']);
  say('A phone starts gaming');
  const answer = await api.phone.ask('POST', '/v1/runbooks/start-gaming/run?wait=50');
  if (answer.status !== 200) throw new Error(`start-gaming: ${answer.text}`);
  say('The owner reboots websvcs, and fails to reboot the router: writ shutdown, writ start, writ run');
  await writ(home, ['shutdown', 'websvcs', '--yes']);
  await writ(home, ['start', 'websvcs', '--yes']);
  const failed = await home.writ(['run', 'maintenance', '--yes']);
  if (!/labvm/.test(failed.out + failed.err))
    throw new Error(`writ run maintenance: ${failed.out}${failed.err}`);
  say('A workflow of GitHub may release, pve1 attests time: writ trust sign');
  await amendTrust(home, (document) => {
    document.identities.deploys = issuedWorkflow(['/etc/containers/systemd/**', '/etc/opt/**'], issuer.url);
    const { pve1 } = document.identities;
    if (pve1?.kind !== 'relay') throw new Error('pve1 was not admitted');
    document.identities.pve1 = { ...pve1, attests: ['time'] };
  });
  say('The owner deploys to websvcs: writ deploy');
  const repo = join(home.directory, 'repo');
  for (const [path, text] of Object.entries(deployHome)) {
    if (/apps\/(auth|lan)/.test(path)) continue;
    mkdirSync(dirname(join(repo, path)), { recursive: true });
    writeFileSync(join(repo, path), text);
  }
  await writ(home, ['deploy', '--repo', repo, '--yes', '--wait']);
}

async function amendTrust(home: Home, change: (document: TrustDocument) => void): Promise<void> {
  const { document } = (await writ(home, ['trust', 'show'])) as { document: TrustDocument };
  change(document);
  const file = join(home.directory, 'amended.json');
  writeFileSync(file, JSON.stringify(document));
  await writ(home, ['trust', 'sign', '--document', file, '--yes']);
}
