import { chmodSync } from 'node:fs';
import { maxTrustChainBytes } from '../../../schema/wire/limits.ts';
import { trustChainSchema } from '../../../schema/wire/relay-api.ts';
import { defineCommand } from '../command.ts';
import { replaceFile } from '../files.ts';
import { chainText, newestOf, readChain, versionsBefore, writeChain } from '../kept-trust.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { openSession, refreshTrust, type Session } from '../session.ts';
import { sendTrust } from '../upload-trust.ts';

export const trustPublish = defineCommand({
  name: 'trust publish',
  summary: 'Hand all versions of trust to the control plane, and write them into a file for the mirror',
  usage: '[FILE]',
  more: [
    'FILE is what relays fetch from the mirror that trust names, and what writ-relay trust install takes. It holds no secret, but the names and addresses of your house. Every version is signed: who changes the file makes it worthless, and nothing else.',
  ],
  examples: [
    { line: 'writ trust publish trust.jws', about: 'to the control plane, and into a file' },
    { line: 'writ trust publish trust.jws --offline', about: 'into the file alone' },
  ],
  options: {
    offline: { type: 'flag', about: 'ask and tell the control plane nothing' },
  },
  async run(context, [path], { offline }) {
    if (offline && path === undefined) {
      return fail(exits.usage, 'usage', 'Offline there is only a file to write to: name one.');
    }
    const opened = await openSession(context, { offline });
    if (!opened.ok) return opened;
    const handed = offline ? await known(opened.value) : await handOverAll(opened.value);
    if (!handed.ok) return handed;
    const { session, versions } = handed.value;
    const { document, digest } = session.home.trust;
    const lines = offline ? [] : [`The control plane has trust version ${document.version}.`];
    if (path !== undefined) {
      const written = newestOf(versions, maxTrustChainBytes, 1000);
      try {
        replaceFile(path, chainText(written));
        // Unlike everything else that this program writes, it is for others to read.
        chmodSync(path, 0o644);
      } catch (error) {
        return fail(
          exits.usage,
          'file_unwritable',
          `${path} cannot be written: ${(error as Error).message}.`,
        );
      }
      const first = document.version - written.length + 1;
      lines.push(
        first === document.version
          ? `${path} holds version ${document.version}.`
          : `${path} holds the versions ${first} to ${document.version}.`,
        document.mirror === null
          ? 'Trust names no mirror. To give it to a host by hand, run writ-relay trust install there.'
          : `Put it at ${document.mirror}: relays look there every hour.`,
      );
    }
    return done(lines.join('\n'), { version: document.version, digest, file: path ?? null });
  },
});

type Known = { readonly session: Session; readonly versions: Parameters<typeof writeChain>[1] };

/** What is known here. */
async function known(session: Session): Promise<{ ok: true; value: Known } | Failure> {
  const versions = readChain(session.home);
  return versions.ok ? { ok: true, value: { session, versions: versions.value } } : versions;
}

/** Brings the control plane up to what is known here, and this computer's chain back to the first version. */
async function handOverAll({ home, api }: Session): Promise<{ ok: true; value: Known } | Failure> {
  // Before it is asked anything: one that was made of an old backup may not know this computer's operator key yet.
  const before = await known({ home, api });
  if (!before.ok) return before;
  const sent = await sendTrust(api, before.value.versions, home.trust.digest);
  if (!sent.ok && sent.reason !== 'trust_version') return sent;
  const newest = await refreshTrust({ home, api });
  if (!newest.ok) return newest;
  const session = { home: { ...home, trust: newest.value }, api };
  const mine = await known(session);
  if (!mine.ok) return mine;
  const answered = await api.call({
    method: 'GET',
    url: '/v1/trust?after=0',
    answer: trustChainSchema,
    maxBytes: maxTrustChainBytes,
  });
  if (!answered.ok) return answered;
  const older = await versionsBefore(mine.value.versions[0]!, answered.value.versions);
  if (older.length === 0) return mine;
  const versions = [...older, ...mine.value.versions];
  writeChain(home.directory, versions);
  return { ok: true, value: { session, versions } };
}
