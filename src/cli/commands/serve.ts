import { isIPv4, isIPv6 } from 'node:net';
import { defineCommand } from '../command.ts';
import { replaceFile } from '../files.ts';
import { howToClaim } from '../how-to-claim.ts';
import { installService } from '../install-service.ts';
import { httpsOrigin } from '../origins.ts';
import { done, exits, fail } from '../outcome.ts';
import { isWildcard, ownAddresses } from '../own-machine.ts';

/** Where a control plane listens whatever else it is told: for the CLI on its own machine, and for proxies. */
const loopback = { host: '127.0.0.1', port: 8420 };

export const serve = defineCommand({
  name: 'serve',
  summary: 'Run the control plane on this machine',
  usage: '',
  more: [
    'It always speaks TLS, with a certificate of its own, which relays and this program pin. Phones trust known authorities alone: a certificate of one is given by --cert and --key, and shown to who asks for a name in it (docs/phone.md). While nobody has claimed it, it prints a setup code, which is good until it ends. Its log goes to standard error, a JSON line an event.',
  ],
  examples: [
    {
      line: 'writ serve --listen 100.64.0.1:8420',
      about: 'on the tailnet’s address, which the setup code will name, and on loopback',
    },
    {
      line: 'writ serve --install --listen 203.0.113.7:8420',
      about:
        'as root: as a service that starts with the machine; without --listen, on all addresses that it has',
    },
    {
      line: 'writ serve --install --origin https://203.0.113.7:8420',
      about: 'on a machine that others reach by an address which it does not have itself',
    },
    { line: 'writ serve --data /tmp/trial --listen 127.0.0.1:0 --trial', about: 'to try it out' },
  ],
  options: {
    data: { type: 'text', value: 'DIR', about: 'where its database and keys are (default: /var/lib/writ)' },
    listen: {
      type: 'list',
      value: 'ADDRESS:PORT',
      about: 'where it listens, besides 127.0.0.1:8420',
    },
    origin: {
      type: 'text',
      value: 'URL',
      about: 'where others reach it (default: the first --listen); the setup code names it',
    },
    cert: { type: 'text', value: 'FILE', about: 'a certificate chain in PEM, read anew when it changes' },
    key: { type: 'text', value: 'FILE', about: 'the key of --cert' },
    install: {
      type: 'flag',
      about: 'as root: set it up as the service writ.service with these options, and print the setup code',
    },
    'setup-code-file': {
      type: 'text',
      value: 'FILE',
      about: 'write the setup code there (mode 0600) and print it nowhere; empty once claimed',
    },
    trial: { type: 'flag', about: 'listen only where --listen says, and take any port for 0' },
  },
  async run(context, _, values) {
    const listen: { host: string; port: number }[] = [];
    for (const text of values.listen) {
      const address = readAddress(text);
      if (address === null || (address.port === 0 && !values.trial)) {
        return fail(
          exits.usage,
          'listen_invalid',
          `${text} is no address and port, such as 100.64.0.1:8420 or [fd7a::1]:8420.`,
        );
      }
      listen.push(address);
    }
    const hasLoopback = listen.some(
      ({ host, port }) => port === loopback.port && (host === loopback.host || isWildcard(host)),
    );
    if (!hasLoopback && (!values.trial || listen.length === 0)) listen.push(loopback);
    const origin = values.origin === undefined ? originOf(listen[0]!) : httpsOrigin(values.origin);
    if (origin === null) {
      return fail(
        exits.usage,
        'origin_invalid',
        `${values.origin} is no origin, such as https://writ.example.org:8420.`,
      );
    }
    const { cert, key } = values;
    if ((cert === undefined) !== (key === undefined)) {
      return fail(exits.usage, 'certificate_incomplete', '--cert and --key go together.');
    }

    if (values.install)
      return installService(context, { listen: values.listen, origin: values.origin, cert, key });

    // Loaded here, so that no other command has to load a server.
    const { serve: start } = await import('../../main.ts');
    const started = await start({
      dataDir: values.data ?? '/var/lib/writ',
      listen,
      ...(origin !== undefined && { origin }),
      relayPackage: '/usr/share/writ/writ-relay.deb',
      ...(cert !== undefined && key !== undefined && { certificate: { certFile: cert, keyFile: key } }),
    });
    if (!started.ok)
      return fail(exits.failed, started.reason, `It did not start: ${started.detail ?? started.reason}.`);
    const { origins, spki, setupCode, restored, close } = started.value;
    const { terminal, signal } = context;
    const codeFile = values['setup-code-file'];
    if (codeFile !== undefined) {
      replaceFile(codeFile, setupCode ?? '');
      terminal.out(`Listening on ${origins.join(' and ')}\n`);
    } else if (context.json) {
      terminal.out(`${JSON.stringify({ origins, spki, setup_code: setupCode })}\n`);
    } else {
      terminal.out(`Listening on ${origins.join(' and ')}\n`);
      if (setupCode !== null) terminal.out(`\n${howToClaim(setupCode, restored)}\n\n`);
    }
    if (!signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    }
    await close();
    return done('', { closed: true });
  },
});

/**
 * The origin of all addresses, at which nobody could reach it: the first that this machine has stands for them.
 * Undefined: the server's own word, which is where it listens.
 */
function originOf(first: { readonly host: string; readonly port: number }): string | undefined {
  const [own] = isWildcard(first.host) ? ownAddresses() : [];
  return own === undefined || first.port === 0 ? undefined : `https://${own}:${first.port}`;
}

/** `ADDRESS:PORT`, an IPv6 address in brackets. */
function readAddress(text: string): { host: string; port: number } | null {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const [, v6, v4, digits] = match;
  const port = Number(digits);
  if (port > 65_535) return null;
  if (v6 !== undefined) return isIPv6(v6) ? { host: v6, port } : null;
  return v4 !== undefined && isIPv4(v4) ? { host: v4, port } : null;
}
