import { setTimeout as pause } from 'node:timers/promises';
import { statusSchema } from '../../../schema/api/house.ts';
import { commandListSchema } from '../../../schema/api/orders.ts';
import type { Api, ApiFailure } from '../api.ts';
import { defineCommand } from '../command.ts';
import { done } from '../outcome.ts';
import { openSession } from '../session.ts';
import { jsonLine, localTime } from '../text.ts';
import { changesBetween, shownCommands, viewOf, type Watched } from '../watch-view.ts';

/** How often the control plane is asked. */
const everyMs = 2_000;
const askMs = 10_000;

export const watch = defineCommand({
  name: 'watch',
  summary: 'Watch hosts, guests and commands as they change',
  usage: '',
  more: [
    'On a terminal it fills the screen until q or Ctrl-C. Into a pipe it writes a line for each change, with --json an object for each.',
  ],
  examples: [
    { line: 'writ watch', about: 'the home, live' },
    { line: 'writ watch --json | jq .status.sentence', about: 'each change, for a script' },
  ],
  options: {},
  async run(context) {
    const session = await openSession(context);
    if (!session.ok) return session;
    const { api } = session.value;
    const first = await look(api);
    if (!first.ok) return first;
    context.progress.end();
    const over = new AbortController();
    const end = (): void => over.abort();
    context.signal.addEventListener('abort', end, { once: true });
    if (context.signal.aborted) end();

    const screen = context.json ? null : context.terminal.screen();
    let last = first.value;
    let trouble: string | null = null;
    const draw = (): void => screen?.draw(viewOf(last, context.now(), trouble));
    const tell = (before: Watched | null, after: Watched): void => {
      const changes = changesBetween(before, after);
      if (screen !== null || changes.length === 0) return;
      const text = context.json
        ? `${jsonLine({ changes, ...after })}\n`
        : changes.map((line) => `${localTime(context.now())}  ${line}\n`).join('');
      context.terminal.out(text);
    };
    screen?.onResize(draw);
    screen?.onQuit(end);
    tell(null, last);
    draw();
    try {
      for (;;) {
        await pause(everyMs, undefined, { signal: over.signal }).catch(() => {});
        if (over.signal.aborted) return done('', { changes: [], ...last });
        const seen = await look(api);
        if (over.signal.aborted) return done('', { changes: [], ...last });
        if (seen.ok) {
          tell(last, seen.value);
          last = seen.value;
        } else if (screen === null && trouble === null) {
          context.terminal.err(`${seen.detail} Asking again.\n`);
        }
        if (seen.ok && trouble !== null && screen === null) context.terminal.err('It answers again.\n');
        trouble = seen.ok ? null : `Not the latest: ${seen.detail.split('\n')[0]}`;
        draw();
      }
    } finally {
      screen?.close();
      context.signal.removeEventListener('abort', end);
    }
  },
});

async function look(api: Api): Promise<{ ok: true; value: Watched } | ApiFailure> {
  const [status, list] = await Promise.all([
    api.call({ method: 'GET', url: '/v1/status', answer: statusSchema, timeoutMs: askMs }),
    api.call({
      method: 'GET',
      url: `/v1/commands?limit=${shownCommands}`,
      answer: commandListSchema,
      timeoutMs: askMs,
    }),
  ]);
  if (!status.ok) return status;
  if (!list.ok) return list;
  return { ok: true, value: { status: status.value, commands: list.value.commands } };
}
