import type { StatusView } from '../../schema/api/house.ts';
import type { Home } from './home.ts';
import type { Owned } from './set-up.ts';

/** What runs where, and what to try: every line can be pasted into another terminal. */
export function showHome(home: Home, { token, spki }: Owned, status: StatusView): string {
  const pin = Buffer.from(spki.slice('sha256:'.length), 'hex').toString('base64');
  const curl = (method: 'GET' | 'POST', path: string): string =>
    [
      `curl -sk --pinnedpubkey "sha256//${pin}"`,
      ...(method === 'POST' ? ['-X POST'] : []),
      '-H "Authorization: Bearer $TOKEN" -H "Accept: text/plain"',
      `"${home.origin}${path}"`,
    ].join(' ');
  const lines = [
    '',
    'A home is up, on this machine alone. Ctrl-C ends it and leaves nothing behind.',
    '',
    `  control plane  ${home.origin}   API reference: ${home.origin}/docs`,
  ];
  for (const host of status.hosts) {
    lines.push('', `  ${host.name.padEnd(13)}  ${host.sentence}`);
    for (const guest of status.guests.filter((one) => one.host === host.name)) {
      lines.push(`    ${guest.name.padEnd(11)}  ${guest.sentence}`);
    }
  }
  lines.push(
    '',
    'The tower is asleep. In another terminal, be the phone:',
    '',
    `TOKEN="${token}"`,
    '',
    '# Wake the tower, shut devtop down because it holds the graphics card, start gaming:',
    curl('POST', '/v1/runbooks/start-gaming/run?wait=50'),
    '',
    '# Good night, and good morning:',
    curl('POST', '/v1/hosts/pve2/sleep?wait=50'),
    curl('POST', '/v1/hosts/pve2/wake?wait=50'),
    '',
    '# How it stands:',
    curl('GET', '/v1/status'),
    '',
    'Or be the owner:',
    '',
    `export WRIT_CONFIG="${home.configDir}"`,
    'npm run -s writ -- status',
    'npm run -s writ -- start devtop',
    'npm run -s writ -- trust show',
    'npm run -s writ -- audit verify',
    '',
    '',
  );
  return lines.join('\n');
}
