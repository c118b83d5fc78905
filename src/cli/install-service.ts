import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Context } from './command.ts';
import { replaceFile } from './files.ts';
import { howToClaim } from './how-to-claim.ts';
import { type Done, done, exits, type Failure, fail } from './outcome.ts';
import { isPrivate, ownAddresses } from './own-machine.ts';

const run = promisify(execFile);

const unit = 'writ.service';
const settingsFile = '/etc/writ/serve.env';
/** Where the unit lets the control plane write its setup code: in memory, for root and itself. */
const setupCodeFile = '/run/writ/setup-code';
/** Written by writ restore, and gone once a start found its key in trust. */
const restoredFile = '/var/lib/writ/restored.json';
const port = 8420;
const startedWithinMs = 30_000;
const lookEveryMs = 200;

/**
 * Sets the packaged unit up with these options, starts it, and tells the setup code. Doing it again changes the
 * options and starts it anew.
 */
export async function installService(
  context: Context,
  options: {
    readonly listen: readonly string[];
    readonly origin: string | undefined;
    readonly cert: string | undefined;
    readonly key: string | undefined;
  },
): Promise<Done | Failure> {
  if (process.getuid?.() !== 0) {
    return fail(exits.usage, 'not_root', 'Setting up a service needs root: sudo writ serve --install.');
  }
  const listen =
    options.listen.length > 0 ? options.listen : ownAddresses().map((address) => `${address}:${port}`);
  const words = [
    ...listen.flatMap((address) => ['--listen', address]),
    ...(options.origin === undefined ? [] : ['--origin', options.origin]),
    ...(options.cert === undefined ? [] : ['--cert', options.cert]),
    ...(options.key === undefined ? [] : ['--key', options.key]),
  ];
  // systemd splits the value at spaces (systemd.exec(5), EnvironmentFile; systemd.service(5), command lines).
  if (words.some((word) => /[\s"'\\$%]/.test(word))) {
    return fail(exits.usage, 'option_invalid', 'Paths of a service may hold no spaces, quotes, $ or %.');
  }
  mkdirSync('/etc/writ', { recursive: true, mode: 0o755 });
  replaceFile(settingsFile, `WRIT_SERVE_OPTIONS=${words.join(' ')}\n`);
  context.progress.say('Starting the control plane …');
  try {
    await run('systemctl', ['daemon-reload']);
    await run('systemctl', ['enable', unit]);
    await run('systemctl', ['restart', unit]);
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr ?? error).trim();
    return fail(
      exits.failed,
      'service_not_started',
      `systemd did not start ${unit}: ${said}\nThe options are in ${settingsFile}. See: journalctl -u ${unit}`,
    );
  }
  const code = await awaitSetupCode(context);
  if (code === null) {
    const said = await lastWords();
    return fail(
      exits.failed,
      'service_not_started',
      `${unit} did not come up.${said === '' ? '' : ` It said:\n${said}\n`} It is tried again every few seconds; its options are in ${settingsFile}. See: journalctl -u ${unit}`,
    );
  }
  const [first = ''] = listen;
  const where = [
    `The control plane runs, and starts with this machine. It listens on ${listen.join(', ')}.`,
    ...(options.origin === undefined && isPrivate(first)
      ? [
          `${first} is an address of a private network. Where your own computer and your hosts reach this machine by another, run this again with --origin https://THAT:${port}`,
        ]
      : []),
  ].join('\n');
  if (code === '') {
    return done(`${where}\nIt is claimed already: nobody needs a setup code.`, { listen, setup_code: null });
  }
  return done(`${where}\n\n${howToClaim(code, existsSync(restoredFile))}\n`, {
    listen,
    setup_code: code,
  });
}

/** Whether the unit ended, and waits to be started again or not. */
const hasEnded = async (): Promise<boolean> =>
  /^(?:auto-restart|failed)/.test(
    (await run('systemctl', ['show', unit, '--property=SubState', '--value'])).stdout,
  );

/** What the service said last, without its log of events. */
async function lastWords(): Promise<string> {
  const asked = ['--unit', unit, '--lines', '20', '--output', 'cat', '--no-pager', '--identifier', 'writ'];
  const lines = await run('journalctl', asked).then(
    ({ stdout }) => stdout.split('\n'),
    () => [],
  );
  const isSaid = (line: string): boolean => line !== '' && !line.startsWith('{') && !/^\(\w+\)$/.test(line);
  return lines.findLast(isSaid) ?? '';
}

/** The code that the started service wrote; empty when it is claimed, null when nothing came or it ended. */
async function awaitSetupCode(context: Context): Promise<string | null> {
  const until = context.now() + startedWithinMs;
  while (context.now() < until && !context.signal.aborted) {
    try {
      return readFileSync(setupCodeFile, 'utf8').trim();
    } catch {
      if (await hasEnded()) return null;
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  }
  return null;
}
