import type { AuditLog } from './audit-log.ts';
import { textOf } from './audit-log.ts';
import type { AuditControl, ControlEvent } from './control.ts';
import { bells, type ControlDeps } from './deps.ts';
import { readNames } from './scene.ts';
import type { TrustKeeper } from './trust-keeper.ts';
import { commandViews } from './views.ts';

const exportBatch = 500;
const eventBatch = 100;

export function createAudit(deps: ControlDeps, keeper: TrustKeeper, log: AuditLog): AuditControl {
  const { store, clock, doorbell } = deps;

  async function* sealedTexts(): AsyncIterable<string> {
    let after = 0;
    for (;;) {
      const rows = (await store.audit.after(after, exportBatch)).filter((row) => row.hash !== null);
      for (const row of rows) yield textOf(row);
      if (rows.length === 0) return;
      after = rows.at(-1)!.seq;
    }
  }

  async function* events(from: number | null, signal: AbortSignal): AsyncIterable<ControlEvent> {
    let after = from ?? (await store.audit.last());
    while (!signal.aborted) {
      const ticket = await doorbell.ticket(bells.audit);
      const rows = await store.audit.after(after, eventBatch);
      const ids = rows.flatMap(({ facts }) => (typeof facts.command === 'string' ? [facts.command] : []));
      const loaded = await Promise.all([...new Set(ids)].map((id) => store.commands.load(id)));
      const commands = loaded.filter((command) => command !== null);
      const views = await commandViews(deps, commands, await readNames(deps, keeper));
      for (const { seq, time, event, principal, facts } of rows) {
        if (signal.aborted) return;
        after = seq;
        const command = views.find((view) => view.id === facts.command) ?? null;
        yield { seq, entry: { seq, time, event, principal, facts }, command };
      }
      if (rows.length === 0) await doorbell.wait(ticket, Number.MAX_SAFE_INTEGER, signal);
    }
  }

  return {
    page: async (after, limit) => {
      await log.seal();
      const rows = await store.audit.after(after, Math.min(Math.max(limit, 1), 1000));
      const entries = rows.filter((row) => row.hash !== null).map(textOf);
      return { entries, head: await log.head() };
    },
    head: log.head,
    export: async function* () {
      await log.seal();
      yield* sealedTexts();
    },
    events,
    note: (event, principal, facts) => log.add([{ time: clock.now(), event, principal, facts }]),
  };
}
