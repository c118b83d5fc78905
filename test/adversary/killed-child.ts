import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RelayAction } from '../../relay/actions/action.ts';
import { systemClock } from '../../relay/agent/clock.ts';
import type { Disk } from '../../relay/agent/disk.ts';
import { createExecutor } from '../../relay/agent/executor.ts';
import { nodeDisk } from '../../relay/agent/node-disk.ts';
import { openState } from '../../relay/agent/state-files.ts';
import { noPorts, quietLog, readReceipt, realJudge } from '../relay/agent/fixture.ts';
import { noGithub } from '../support/no-github.ts';

// node killed-child.ts STATE-FOLDER SESSION KILL-AT
//
// A relay that does the one job in the folder's `job`, and kills itself, as kill -9 does, when it has passed as
// many points as KILL-AT says, or at the first of that name. What the action does to the world is a line in the
// folder's `effects`.

const [folder, session, killAt] = process.argv.slice(2) as [string, string, string];
const around = join(folder, '..');
let passed = 0;

const point = (name: string, dying?: () => void): void => {
  passed += 1;
  if (String(passed) !== killAt && name !== killAt) return;
  dying?.();
  appendFileSync(join(around, 'killed-at'), `${name}\n`);
  process.kill(process.pid, 'SIGKILL');
};

const inner = nodeDisk(folder);
const disk: Disk = {
  ...inner,
  async append(name, bytes) {
    point('before an append');
    point('in the middle of an append', () =>
      appendFileSync(join(folder, name), bytes.subarray(0, bytes.length / 2)),
    );
    point('before the end of an append is synced', () => appendFileSync(join(folder, name), bytes));
    await inner.append(name, bytes);
    point('after an append');
  },
  async replace(name, bytes) {
    point('before a replacement', () => writeFileSync(join(folder, `${name}.new`), bytes.subarray(0, 9)));
    await inner.replace(name, bytes);
    point('after a replacement');
  },
};

const effects = join(around, 'effects');
const action: RelayAction = {
  async precheck() {
    point('in the precheck');
    return { ok: true, value: true };
  },
  async act(ctx) {
    point('before it acts');
    if (ctx.host !== null) {
      const announced = await ctx.announcePowerOff();
      if (!announced.ok) return { state: 'failed', code: announced.reason };
    }
    appendFileSync(effects, `${ctx.target}\n`);
    point('after it acted');
    return ctx.host === null ? { state: 'succeeded', result: { already: false } } : { state: 'pending_boot' };
  },
  async observe(ctx) {
    point('before it observes');
    if (ctx.host !== null) {
      return ctx.powerOffAnnounced && ctx.bootAtStart !== ctx.bootNow
        ? { state: 'succeeded', result: {} }
        : { state: 'unknown', code: 'interrupted' };
    }
    return existsSync(effects)
      ? { state: 'succeeded', result: { already: false } }
      : { state: 'failed', code: 'not_done' };
  },
};

const clock = systemClock({ bootIdFile: join(around, 'boot') });
const opened = await openState({ disk, clock, log: quietLog() });
if (!opened.ok) throw new Error(`the state does not open: ${opened.reason}`);
const executor = createExecutor({
  github: noGithub,
  state: opened.value,
  session,
  clock,
  log: quietLog(),
  actions: { 'guest.start': action, 'host.shutdown': action },
  ports: noPorts,
  judge: realJudge,
  beforePowerOff: async () => point('while it sends the last report'),
});
await executor.recover();
const outcome = await executor.offer(readFileSync(join(around, 'job'), 'utf8'));
await executor.idle();
point('at the end');
const receipts = executor.unconfirmedReceipts().map(({ jws }) => readReceipt(jws));
process.stdout.write(JSON.stringify({ outcome: outcome.kind, receipts }));
process.exit(0);
