import { parseArgs } from 'node:util';
import { createHome, type Home } from './home.ts';
import { createPhone } from './phone.ts';
import { showHome } from './screen.ts';
import { setUp } from './set-up.ts';
import { playStory, reader, untilAwake } from './story.ts';
import { createTeller, progressLine } from './tell.ts';

const usage = `npm run demo [-- OPTIONS]

Brings up a simulated home on this machine's loopback: the control plane, three relays, two Proxmox servers and a
tower that really sleeps. Nothing is installed, and nothing is left behind.

  --once        play the story, check each thing it says, and exit 0 only if all held
  --json        with --once: print one JSON object with the time of each hop in ms
  --boot-ms N   how long the tower takes to boot (default: 4000; with --once 1500)
  --keep        leave the folder with all state and logs
  --help        this
`;

const { values } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'boot-ms': { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const bootMs = Number(values['boot-ms'] ?? (values.once ? 1_500 : 4_000));

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (!Number.isInteger(bootMs) || bootMs < 0 || bootMs > 100_000) {
    process.stderr.write('--boot-ms is a whole number of milliseconds, at most 100000.\n');
    return 2;
  }
  let home: Home | null = null;
  let leaving: Promise<void> | null = null;
  const leave = (): Promise<void> => {
    leaving ??= (async () => {
      await home?.close();
      if (values.keep && home !== null) process.stderr.write(`Kept: ${home.directory}\n`);
    })();
    return leaving;
  };
  let stop: () => void = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted = true;
      stop();
      // Whatever is being waited for: the processes end now, and so do the waits.
      void leave().then(() => process.exit(signal === 'SIGINT' && !values.once ? 0 : 1));
    });
  }

  const progress = progressLine(process.stderr);
  try {
    home = await createHome({ bootMs, keep: values.keep });
    const owned = await setUp(home, (text) => progress.say(text));
    progress.end();
    if (values.once) {
      const teller = createTeller(values.json ? process.stderr : process.stdout, values.json);
      const story = await playStory(home, owned, bootMs, teller);
      await leave();
      if (values.json) {
        process.stdout.write(
          `${JSON.stringify({ ok: story.ok, boot_ms: bootMs, hops: story.hops, checks: story.checks })}\n`,
        );
      }
      const failed = story.checks.filter(({ ok }) => !ok).length;
      if (!values.json) {
        const outcome = failed === 0 ? 'All of them held.' : `${failed} did NOT hold.`;
        process.stdout.write(`\n${story.checks.length} expectations were checked. ${outcome}\n`);
      }
      return story.ok ? 0 : 1;
    }
    progress.say('Waiting for the first reports');
    const api = reader(createPhone({ ...owned, origin: home.origin }));
    await untilAwake(api, ['cloud', 'pve1', 'pve2']);
    progress.say('Putting the tower to sleep: writ sleep pve2');
    await home.writ(['sleep', 'pve2', '--yes']);
    await home.towerIs('off', 30_000);
    progress.end();
    process.stdout.write(showHome(home, owned, await api.status()));
    await stopped;
    await leave();
    return 0;
  } catch (error) {
    progress.end();
    await leave();
    if (interrupted) return 1;
    process.stderr.write(`The demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

process.exitCode = await main();
