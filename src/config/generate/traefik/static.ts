import type { Home, Target } from '../../home.ts';
import { mergeOver } from '../shared/merge.ts';
import type { TraefikOptions } from './options.ts';

/**
 * traefik.yml. `home` is for people at home, `public` for what the public machine passes on; a connection's own
 * address comes there in a PROXY header. Neither dashboard nor ping are on, and nothing is sent to Traefik's makers.
 */
export function makeStatic(
  { ingress }: Home,
  _: Target,
  options: TraefikOptions,
): Readonly<Record<string, unknown>> {
  const { ports, from } = ingress;
  const redirect = { entryPoint: { to: 'home', scheme: 'https', permanent: true } };
  const tree = {
    global: { checkNewVersion: false, sendAnonymousUsage: false },
    log: { level: options.log },
    entryPoints: mergeOver(
      {
        http: { address: `:${ports.http}`, http: { redirections: redirect } },
        home: { address: `:${ports.home}` },
        public: {
          address: `:${ports.public}`,
          ...(from.length > 0 && { proxyProtocol: { trustedIPs: from } }),
        },
      },
      options.entry_points,
    ),
    providers: {
      file: options.dynamic.endsWith('/')
        ? { directory: options.dynamic, watch: true }
        : { filename: options.dynamic, watch: true },
    },
    ...(Object.keys(options.resolvers).length > 0 && { certificatesResolvers: options.resolvers }),
  };
  return mergeOver(tree, options.extra_static);
}
