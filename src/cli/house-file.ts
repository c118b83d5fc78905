import * as v from 'valibot';
import { LineCounter, parseDocument } from 'yaml';
import { actionOf, allActions } from '../../schema/actions/index.ts';
import { describeIssue } from '../../schema/jose/jws.ts';
import { type HouseFile, houseFileSchema, houseOf } from '../../schema/manifest/house.ts';
import { didYouMean } from '../../schema/near.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';

/** Far more than a large house; keeps a wrong file from being parsed. */
export const maxHouseFileBytes = 256 * 1024;

const mostTold = 10;

const actionNames = allActions.map(({ type }) => type);

type Path = readonly (string | number)[];
type Fault = { readonly path: Path; readonly text: string };

/**
 * Reads a house file: YAML 1.2 without duplicate keys or tags, then its shape, then what its parts say of each
 * other. Refuses with one line a fault, each `file:line:column: what`.
 */
export function readHouseFile(name: string, text: string): Result<HouseFile, 'house_invalid'> {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    schema: 'core',
    prettyErrors: false,
  });
  const locate = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const unread = [...document.errors, ...document.warnings];
  if (unread.length > 0) {
    return refuse(
      'house_invalid',
      unread
        .slice(0, mostTold)
        .map((error) => `${locate(error.pos[0])}: ${error.message}`)
        .join('\n'),
    );
  }
  const tell = (faults: readonly Fault[]): Result<HouseFile, 'house_invalid'> =>
    refuse(
      'house_invalid',
      faults
        .slice(0, mostTold)
        .map(({ path, text: what }) => `${locate(offsetOf(document, path))}: ${what}`)
        .join('\n'),
    );

  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 50 });
  } catch (error) {
    return refuse('house_invalid', `${name}: ${(error as Error).message}`);
  }
  const parsed = v.safeParse(houseFileSchema, value);
  if (!parsed.success) {
    return tell(
      parsed.issues.map((issue) => {
        const path = (issue.path ?? []).map(({ key }) => key as string | number);
        const hint =
          issue.expected === 'never'
            ? didYouMean(String(path.at(-1)), membersAt(path.slice(0, -1)))
            : path.at(-1) === 'action' && typeof issue.input === 'string'
              ? didYouMean(issue.input, actionNames)
              : '';
        return { path, text: `${describeIssue(issue)}${hint === '' ? '' : `.${hint}`}` };
      }),
    );
  }
  const faults = findFaults(parsed.output);
  if (faults.length > 0) return tell(faults);
  const house = houseOf(parsed.output);
  return house.ok ? ok(parsed.output) : refuse('house_invalid', `${name}: ${house.detail ?? house.reason}`);
}

/** Where a path is in the text; for a key that stands there the key itself, for a missing one its parent. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: Path): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent: unknown =
      length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const items = (parent as { items?: readonly unknown[] } | null)?.items ?? [];
    for (const item of items) {
      const pairKey = (item as { key?: { value?: unknown; range?: readonly number[] } }).key;
      if (pairKey !== undefined && pairKey !== null && String(pairKey.value) === String(key)) {
        return pairKey.range?.[0] ?? 0;
      }
    }
    const node = document.getIn(path.slice(0, length), true) as { range?: readonly number[] } | undefined;
    if (node?.range !== undefined) return node.range[0] ?? 0;
  }
  return 0;
}

/** The members that the schema has at a path, for suggesting one. */
function membersAt(path: Path): readonly string[] {
  let schema: unknown = houseFileSchema;
  for (const key of path) {
    const at = unwrap(schema) as { entries?: Record<string, unknown>; value?: unknown; item?: unknown };
    schema = at.entries?.[String(key)] ?? at.value ?? at.item;
  }
  return Object.keys((unwrap(schema) as { entries?: object } | undefined)?.entries ?? {});
}

function unwrap(schema: unknown): unknown {
  let at = schema as { wrapped?: unknown; pipe?: readonly unknown[] } | undefined;
  while (at?.wrapped !== undefined || (at?.pipe !== undefined && at.pipe[0] !== at)) {
    at = (at.wrapped ?? at.pipe?.[0]) as typeof at;
  }
  return at;
}

/** What the shape cannot say: names that stand for nothing, things that do not go together. */
function findFaults(file: HouseFile): Fault[] {
  const faults: Fault[] = [];
  const hosts = Object.keys(file.hosts);
  const guests = Object.keys(file.guests);
  const noHost = (name: string, path: Path): void => {
    faults.push({ path, text: `there is no host ${name}.${didYouMean(name, hosts)}` });
  };

  for (const [name, host] of Object.entries(file.hosts)) {
    const path = ['hosts', name];
    if (Object.hasOwn(file.guests, name)) faults.push({ path, text: `${name} is a host and a guest` });
    if (host.wake_via !== undefined && !Object.hasOwn(file.hosts, host.wake_via)) {
      noHost(host.wake_via, [...path, 'wake_via']);
    } else if (host.wake_via === name) {
      faults.push({ path: [...path, 'wake_via'], text: `${name} cannot wake itself` });
    }
    if (host.wake_via !== undefined && (host.mac === undefined || host.wake_address === undefined)) {
      faults.push({ path, text: `${name} is woken by ${host.wake_via}, so it needs mac and wake_address` });
    }
    if (host.sleeps && host.wake_via === undefined) {
      faults.push({ path, text: `${name} sleeps, so it needs wake_via: the host that wakes it` });
    }
  }

  const seats = new Map<string, string>();
  for (const [name, guest] of Object.entries(file.guests)) {
    const path = ['guests', name];
    const host = Object.hasOwn(file.hosts, guest.host) ? file.hosts[guest.host] : undefined;
    if (host === undefined) noHost(guest.host, [...path, 'host']);
    else if (!host.proxmox) {
      faults.push({
        path: [...path, 'host'],
        text: `${guest.host} has no Proxmox, so no guest can be on it`,
      });
    }
    const seat = `${guest.host}/${guest.vmid}`;
    const other = seats.get(seat);
    if (other !== undefined) {
      faults.push({
        path: [...path, 'vmid'],
        text: `${other} has VMID ${guest.vmid} on ${guest.host} already`,
      });
    }
    seats.set(seat, name);
  }

  for (const [name, runbook] of Object.entries(file.runbooks)) {
    for (const [index, step] of runbook.steps.entries()) {
      const path = ['runbooks', name, 'steps', index];
      const action = actionOf(step.action);
      if (action === undefined) continue;
      const candidates = action.on === 'host' ? hosts : guests;
      if (!candidates.includes(step.target)) {
        const text = `there is no ${action.on} ${step.target}.${didYouMean(step.target, candidates)}`;
        faults.push({ path: [...path, 'target'], text });
      } else if (!action.acceptsParams(step.params)) {
        faults.push({ path: [...path, 'params'], text: `${step.action} does not take these parameters` });
      }
    }
  }
  return faults;
}
