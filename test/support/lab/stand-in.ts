import { join } from 'node:path';
import { parse } from 'yaml';
import type { ReleasePart } from '../../../schema/wire/release.ts';
import type { Guest } from './guest.ts';
import { commonFiles, copyScript, importScript, nginx, nginxProgram } from './image-script.ts';

const folder = '/opt/stand-in';

/** Answers everything at these ports, and who asks for metrics with one that says nothing. */
const pages = (ports: readonly number[]): string =>
  nginx(`  default_type text/plain;
  server {
${ports.map((port) => `    listen ${port};\n`).join('')}    location ~ metrics { return 200 "stand_in 1\\n"; }
    location / { return 200 "stand-in\\n"; }
  }
`);

/** Ports at which a part's apps are asked whether they are well, and for metrics. */
function askedPorts(part: ReleasePart, scrape: string): number[] {
  const { scrape_configs } = parse(scrape) as {
    scrape_configs: { static_configs: { targets: string[] }[] }[];
  };
  const asked = scrape_configs.flatMap(({ static_configs }) =>
    static_configs.flatMap(({ targets }) => targets.map((one) => Number(one.split(':')[1]))),
  );
  const probed = part.apps.flatMap(({ health }) => (health === undefined ? [] : [health.port]));
  return [...new Set([...asked, ...probed])].sort((a, b) => a - b);
}

/**
 * Makes `localhost/stand-in:1` in a guest that has nginx: an image for apps whose programs are not there. It serves at every
 * port at which any of the part's apps is asked, whatever words it is started with; what units call by name in it does the
 * same, or ends at once where it is to end.
 *
 * @param units texts of the containers that it is for
 */
export async function makeStandIn(
  guest: Guest,
  part: ReleasePart,
  scrape: string,
  units: readonly string[],
): Promise<void> {
  const ports = askedPorts(part, scrape);
  const called = units.flatMap((text): [string, string][] => {
    const entry = /^Entrypoint=(\S+)/m.exec(text)?.[1];
    const health = /^HealthCmd=(\S+)/m.exec(text)?.[1];
    const ends = /^Type=oneshot$/m.test(text);
    return [
      ...(health === undefined ? [] : [[health, '#!/bin/sh\n'] as [string, string]]),
      ...(entry === undefined
        ? []
        : [[entry, ends ? '#!/bin/sh\n' : '#!/bin/sh\nexec /stand-in\n'] as [string, string]]),
    ];
  });
  const files = {
    ...commonFiles,
    ...Object.fromEntries(called),
    '/root.conf': pages(ports),
    // Who is not root has no low ports.
    '/user.conf': pages(ports.filter((port) => port >= 1024)),
    '/stand-in': `#!/bin/sh\n[ "$(id -u)" = 0 ] && who=root || who=user\nexec ${nginxProgram} -c "/$who.conf" -g "daemon off;"\n`,
  };
  const run = (script: string, ...words: string[]): Promise<string> =>
    guest.must(['sh', '-ec', script, 'sh', ...words]);
  await run(copyScript, folder, nginxProgram);
  for (const [path, text] of Object.entries(files)) guest.put(join(folder, path), text, 0o755);
  await run(importScript('stand-in', ['ENTRYPOINT ["/stand-in"]']), folder);
}
