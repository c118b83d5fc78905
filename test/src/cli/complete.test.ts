import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { actions } from '../../../schema/actions/index.ts';
import { commands } from '../../../src/cli/commands.ts';
import { routes } from '../../../src/http/table.ts';

const root = join(import.meta.dirname, '../../..');

/** The command by which an owner does what an operation does; or why there is none. */
const byCommand: Readonly<Record<string, string | { readonly none: string }>> = {
  'POST /v1/plans': 'run',
  'POST /v1/commands': 'run',
  'GET /v1/commands': 'command',
  'GET /v1/commands/{id}': 'command',
  'GET /v1/approvals': 'approvals',
  'POST /v1/commands/{id}/approval': 'approve',
  'POST /v1/commands/{id}/denial': 'deny',
  'GET /v1/status': 'status',
  'GET /v1/runbooks': 'run',
  'GET /v1/relays': 'relays',
  'POST /v1/relays/codes': 'relays add',
  'GET /v1/relays/reports': 'secrets recipients',
  'GET /v1/house': 'house show',
  'PUT /v1/house': 'house set',
  'GET /v1/trust': 'trust show',
  'POST /v1/trust': 'trust sign',
  'POST /v1/setup': 'init',
  'POST /v1/blobs/missing': 'deploy',
  'PUT /v1/blobs/{sha256}': 'deploy',
  'GET /v1/blobs/{sha256}': 'rollback',
  'POST /v1/releases': 'deploy',
  'GET /v1/deployments': 'deployments',
  'GET /v1/deployments/{id}': 'deployments',
  'GET /v1/targets': 'targets',
  'GET /v1/tokens': 'tokens list',
  'POST /v1/tokens': 'tokens create',
  'DELETE /v1/tokens/{id}': 'tokens revoke',
  'GET /v1/audit': 'audit export',
  'GET /v1/hosts': { none: 'status holds all of it' },
  'GET /v1/guests': { none: 'status holds all of it' },
  'GET /v1/events': { none: 'watch tells what changes, by status' },
  'POST /v1/runbooks/{name}/run': { none: 'a phone’s order; run has it planned, and signs' },
  'POST /v1/relay/poll': { none: 'of relays' },
  'GET /v1/relay/blobs/{sha256}': { none: 'of relays' },
  'POST /v1/relay/receipts': { none: 'of relays' },
  'POST /v1/relay/reports': { none: 'of relays' },
  'POST /v1/relay/times': { none: 'of relays' },
  'POST /v1/relay/enroll': { none: 'of relays' },
  'GET /install/writ-relay.deb': { none: 'of the line that relays add prints' },
  'GET /healthz': { none: 'of whoever watches the server' },
  'GET /metrics': { none: 'of whoever collects them' },
  'GET /v1/openapi.json': { none: 'the API of itself' },
  'GET /docs': { none: 'for a browser' },
  'GET /docs/errors': { none: 'for a browser' },
};

const isOrder = (path: string): boolean => /^\/v1\/(?:hosts|guests)\/\{/.test(path);

test('every operation of the API has a command, or a reason why not', () => {
  const names = new Set(commands.map(({ name }) => name));
  const others = routes.filter(({ path }) => !isOrder(path)).map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(Object.keys(byCommand).sort(), [...new Set(others)].sort());
  for (const by of Object.values(byCommand)) if (typeof by === 'string') assert.ok(names.has(by), by);
});

test('the program asks for each of these operations', () => {
  const sources = globSync('src/cli/**/*.ts', { cwd: root }).map((file) =>
    readFileSync(join(root, file), 'utf8'),
  );
  const asked = sources.join('\n');
  for (const [operation, by] of Object.entries(byCommand)) {
    if (typeof by !== 'string') continue;
    const path = operation.split(' ')[1]!.replace(/\{\w+\}$/, '');
    const written = new RegExp(`['\`]${path.replace(/\{\w+\}/g, "[^/'`]+")}`);
    assert.match(asked, written, operation);
  }
});

test('every action of the API is one of a command', () => {
  const examples = commands.flatMap(({ examples: lines }) => lines.map(({ line }) => line)).join('\n');
  const verbs = new Map([
    ['host.wake', 'wake'],
    ['host.shutdown', 'shutdown'],
    ['host.reboot', 'reboot'],
    ['guest.start', 'start'],
    ['guest.shutdown', 'shutdown'],
    ['guest.stop', 'stop'],
    ['guest.reboot', 'reboot'],
    ['guest.suspend', 'suspend'],
    ['guest.resume', 'resume'],
    ['guest.look', 'guests prepare'],
    ['guest.prepare', 'guests prepare'],
    ['release.apply', 'deploy'],
    ['release.heal', 'trust heal'],
    ['app.command', 'run'],
  ]);
  for (const type of Object.keys(actions)) {
    const verb = verbs.get(type.replace(/-in-use$/, ''));
    assert.ok(verb !== undefined && commands.some(({ name }) => name === verb), type);
    const command = commands.find(({ name }) => name === verb)!;
    if (type.endsWith('-in-use')) assert.ok('even-if-in-use' in command.options, type);
    assert.match(examples, new RegExp(`writ ${verb} `));
  }
});
