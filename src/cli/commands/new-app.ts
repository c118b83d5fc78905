import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { toBytes } from '../../../schema/jose/digest.ts';
import { didYouMean } from '../../../schema/near.ts';
import { nameSchema } from '../../../schema/wire/ids.ts';
import { newAppFiles } from '../../config/new-app.ts';
import { readManifest } from '../../config/read/manifest.ts';
import { readRepoFrom, repoOption } from '../build-folder.ts';
import { defineCommand } from '../command.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { replaceFolder, replaceOutput } from '../output.ts';

const refused = (detail: string): Failure => fail(exits.usage, 'usage', `${detail} Nothing was written.`);

export const newApp = defineCommand({
  name: 'new app',
  summary: 'Begin an app: its folder with app.yaml and a Quadlet',
  usage: 'NAME',
  examples: [
    {
      line: 'writ new app grafana --on secsvcs --image docker.io/grafana/grafana:12.2.0 --port 3000',
      about: 'writes apps/grafana/app.yaml and apps/grafana/grafana.container',
    },
  ],
  options: {
    ...repoOption,
    on: {
      type: 'text',
      value: 'MACHINE',
      about: 'the guest or host it is on (needed where there are several)',
    },
    image: { type: 'text', value: 'IMAGE', about: 'its container image, with registry and tag' },
    port: { type: 'text', value: 'PORT', about: 'where it listens; gives it a route and a health check' },
    host: { type: 'text', value: 'NAME', about: 'the name of the route (default: the name of the app)' },
    public: { type: 'flag', about: 'the route can be reached from the internet' },
  },
  async run(_, [name = ''], { repo = '.', on, image, port, host, public: open }) {
    if (!v.is(nameSchema, name)) {
      return refused(`${name} is no name for an app: 1 to 31 of a-z, 0-9 and -, starting with a letter.`);
    }
    const number = port === undefined ? undefined : Number(port);
    if (number !== undefined && !(Number.isInteger(number) && number > 0 && number < 65_536)) {
      return refused(`${port} is no port.`);
    }
    const read = readRepoFrom(repo);
    if (!read.ok) return read;
    const { manifest } = readManifest(read.value);
    if (!manifest.hasHomelab) return refused(`There is no homelab.yaml that can be read in ${repo}.`);
    const folder = join(repo, 'apps', name);
    if (existsSync(join(folder, 'app.yaml'))) {
      return fail(exits.usage, 'output_exists', `${folder} has an app.yaml already. Nothing was written.`);
    }
    const machines = [...Object.keys(manifest.homelab.guests), ...Object.keys(manifest.homelab.hosts)];
    const target = on ?? (machines.length === 1 ? machines[0] : undefined);
    if (target === undefined) return refused(`Which machine is it on? --on ${machines.join(' or --on ')}.`);
    if (!machines.includes(target))
      return refused(`There is no guest or host ${target}.${didYouMean(target, machines)}`);
    if (number !== undefined && manifest.homelab.site === undefined) {
      return refused('A route needs the domain of the site: site: { domain: … } in homelab.yaml.');
    }
    const files = newAppFiles({
      name,
      on: target,
      image: image ?? `docker.io/library/${name}:latest`,
      public: open,
      ...(number !== undefined && { port: number }),
      ...(host !== undefined && { host }),
    });
    // A folder that is there already keeps what it holds.
    if (existsSync(folder)) {
      for (const path of files.keys()) if (existsSync(join(folder, path))) files.delete(path);
      for (const [path, text] of files) replaceOutput(join(folder, path), toBytes(text));
    } else {
      replaceFolder(folder, new Map([...files].map(([path, text]) => [path, toBytes(text)])));
    }
    const written = [...files.keys()].map((path) => join(folder, path));
    const next =
      image === undefined && written[1] !== undefined
        ? `Put its image into ${written[1]}, then: writ config check`
        : 'Next: writ config check';
    return done([...written, next].join('\n'), { files: written });
  },
});
