import * as v from 'valibot';
import { absolutePathSchema } from '../../../schema/manifest/values.ts';
import { machineOf } from '../compile/routes.ts';
import type { Home, Instance } from '../home.ts';
import type { Generator, Tell } from './generator.ts';
import { kindOf } from './shared/app-kinds.ts';
import { madeFor, textBy } from './shared/outputs.ts';
import { instanceAt } from './shared/reached.ts';
import { lineSchema } from './shared/read-options.ts';

export const victorialogsOptionsSchema = v.strictObject({
  url: v.pipe(
    v.optional(
      v.pipe(
        v.string(),
        v.maxLength(500),
        // Without a port systemd would put its own behind the whole, path and all.
        v.regex(
          /^https?:\/\/[^\s"'\\/:]+:[0-9]{1,5}(\/[^\s"'\\]*)?$/,
          'must be such as http://host:9428/insert/journald, with a port',
        ),
      ),
    ),
    v.description('Where journals go, with a port; absent: the VictoriaLogs that the app `uses`.'),
  ),
  trusted: v.pipe(
    v.optional(absolutePathSchema),
    v.description('With https, the certificate of the authority that VictoriaLogs’ own is from.'),
  ),
  certificate: v.pipe(v.optional(absolutePathSchema), v.description('The certificate that is shown to it.')),
  key: v.pipe(v.optional(absolutePathSchema), v.description('The key of that certificate.')),
  extra: v.pipe(v.optional(v.array(lineSchema), []), v.description('More lines of the section `[Upload]`.')),
});
type Options = v.InferOutput<typeof victorialogsOptionsSchema>;

const defaultPort = 9428;

/** VictoriaLogs: machines send their journals there. */
export const victorialogs: Generator = {
  name: 'victorialogs',
  about: 'the journal of a machine on its way to VictoriaLogs',
  upstream: { program: 'VictoriaLogs', from: '1.0', below: '2.0' },
  options: victorialogsOptionsSchema,
  outputs: {
    'journal-upload': {
      about: 'journal-upload.conf of systemd, or a file for journal-upload.conf.d',
      kind: 'file',
      needed: () => [],
      generate: textBy(victorialogsOptionsSchema, ({ home, instance }, options, tell) => {
        const url = options.url ?? urlOf(home, instance, tell);
        return url === undefined ? '' : confOf(instance, url, options);
      }),
    },
  },
};

/** By the flow that the app declares, since nothing else lets the journal through. */
function urlOf(home: Home, { app, target }: Instance, tell: Tell): string | undefined {
  const flow = home.flows.find(({ from, to }) => {
    const used = instanceAt(home, to);
    return (
      from.app === app && from.target === target && used !== undefined && kindOf(used) === 'victorialogs'
    );
  });
  if (flow === undefined) {
    tell({
      severity: 'error',
      code: 'wrong_option',
      message: `nothing says where the journal of ${target} goes: ${app} uses no VictoriaLogs`,
      suggestion: 'uses: [{ app: victorialogs, port: 9428, after: false }] says it, or options: { url: … }.',
    });
    return undefined;
  }
  const host = addressFrom(home, target, flow.to.target);
  if (host === undefined) {
    const place = instanceAt(home, { app, target })!.place;
    const message = `${target} cannot send its journal: ${flow.to.target} states no address that it reaches`;
    tell({
      severity: 'error',
      code: 'address_missing',
      message,
      place,
      unless: [`${flow.to.target}.address`],
    });
    return undefined;
  }
  return `http://${host}:${flow.port ?? defaultPort}/insert/journald`;
}

/** At home by addresses of the home; who is not at home speaks over the tailnet. */
function addressFrom(home: Home, from: string, to: string): string | undefined {
  const machine = machineOf(home, to);
  if (from === to) return machine?.address ?? '127.0.0.1';
  return machineOf(home, from)?.address === undefined ? machine?.tailnet : machine?.address;
}

const confOf = ({ app }: Instance, url: string, { trusted, certificate, key, extra }: Options): string =>
  [
    `# ${madeFor(app, 'victorialogs/journal-upload')}`,
    '[Upload]',
    `URL=${url}`,
    ...(key === undefined ? [] : [`ServerKeyFile=${key}`]),
    ...(certificate === undefined ? [] : [`ServerCertificateFile=${certificate}`]),
    ...(trusted === undefined ? [] : [`TrustedCertificateFile=${trusted}`]),
    ...extra,
    '',
  ].join('\n');
