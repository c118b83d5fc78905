import type { Home } from '../home.ts';
import type { Generator, GeneratorInput, Output, Tell } from './generator.ts';
import { askedOf, databasesOf, type PostgresFlow, providersOf, rolesOf } from './postgres/asked.ts';
import { hbaText } from './postgres/hba.ts';
import { type PostgresOptions, postgresOptionsSchema } from './postgres/options.ts';
import { rolesScript } from './postgres/roles.ts';
import { madeFor, textBy } from './shared/outputs.ts';

type Make = (
  input: GeneratorInput,
  asked: { readonly app: string; readonly flows: readonly PostgresFlow[] },
  options: PostgresOptions,
  tell: Tell,
) => string;

const output = (make: Make): Output['generate'] =>
  textBy(postgresOptionsSchema, (input, options, tell) => {
    const asked = askedOf(input, options, tell);
    return asked === null ? '' : make(input, asked, options, tell);
  });

/** Postgres: the roles and databases of the apps that use it. */
export const postgres: Generator = {
  name: 'postgres',
  about: 'roles and databases of the apps that use Postgres',
  upstream: { program: 'Postgres', from: '15', below: '18' },
  options: postgresOptionsSchema,
  outputs: {
    roles: {
      about: 'a script of psql that makes what is missing, and may run at any time',
      kind: 'file',
      needed: (home: Home) =>
        providersOf(home).map(({ target, flow: { from, postgres: asked } }) => ({
          target,
          why: `${from.app} uses the database ${asked.database}`,
        })),
      generate: output(({ instance }, { flows }, options, tell) =>
        rolesScript(instance.app, rolesOf(flows), databasesOf(flows, options, tell), options),
      ),
    },
    hba: {
      about: 'pg_hba.conf: who connects to which database from where',
      kind: 'file',
      needed: () => [],
      generate: output(
        ({ home, target, instance }, { app, flows }, options, tell) =>
          `# ${madeFor(instance.app, 'postgres/hba')}\n${hbaText(home, target, app, flows, options, tell)}`,
      ),
    },
    passwords: {
      about: 'a drop-in that mounts the passwords in the container which runs the script',
      kind: 'file',
      needed: () => [],
      generate: output(({ instance }, { flows }, { uid }) =>
        [
          `# ${madeFor(instance.app, 'postgres/passwords')}`,
          '[Container]',
          ...[...new Set(rolesOf(flows).map(({ password }) => password))].map(
            (one) => `Secret=${one},type=mount,uid=${uid},mode=0400`,
          ),
          '',
        ].join('\n'),
      ),
    },
  },
};
