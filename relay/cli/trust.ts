import { readFile } from 'node:fs/promises';
import { parsePayload } from '../../schema/jose/jws.ts';
import { fingerprint } from '../../schema/jose/keys.ts';
import { maxTrustChainBytes } from '../../schema/wire/limits.ts';
import { trustChainSchema } from '../../schema/wire/relay-api.ts';
import { describeTrust } from './describe-trust.ts';
import { handToHelper, helperOf } from './helper.ts';
import { helperSentences } from './sentences.ts';
import { type ExitCode, type Terminal, tell, tellRefusal } from './terminal.ts';
import { type StateArguments, withState } from './with-state.ts';

/** `writ-relay trust show` */
export const trustShowCommand = (args: StateArguments, terminal: Terminal): Promise<ExitCode> =>
  withState(args, terminal, { exclusive: false }, async ({ trust, relay, key }) => {
    const current = trust.current();
    const { document, digest } = current;
    const admitted = current.identities.get(key.kid)?.name === relay;
    tell(
      terminal,
      args.json,
      { ok: true, relay, fingerprint: fingerprint(key.kid), admitted, digest, document },
      describeTrust(current, relay, key.kid, admitted),
    );
    return 0;
  });

/** `writ-relay trust install FILE`, with the relay stopped. */
export async function trustInstallCommand(
  args: StateArguments & { readonly file: string },
  terminal: Terminal,
): Promise<ExitCode> {
  const { json, file } = args;
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const detail = (error as NodeJS.ErrnoException).code ?? '';
    tellRefusal(terminal, json, { reason: 'file_unreadable', detail }, `${file} cannot be read.`);
    return 1;
  }
  const chain = parsePayload(bytes, trustChainSchema, maxTrustChainBytes);
  if (!chain.ok) {
    tellRefusal(terminal, json, chain, `${file} is no file of trust documents.`);
    return 1;
  }
  return withState(args, terminal, { exclusive: true }, async ({ trust }) => {
    const { changed, refusal } = await trust.install(chain.value.versions);
    const { version, expires } = trust.current().document;
    if (refusal !== null) {
      tellRefusal(terminal, json, refusal, `A document was refused. Version ${version} is in force.`);
      return 1;
    }
    const sentence = changed
      ? `Version ${version} is in force, until ${expires}.`
      : `There is nothing newer in it: version ${version} stays in force, until ${expires}.`;
    const isHeard = helperOf(args.stateDir) !== 'root' || (await handToHelper(chain.value.versions));
    if (!isHeard) {
      tellRefusal(terminal, json, { reason: 'act_state_unwritable' }, helperSentences.trust_kept);
      return 1;
    }
    tell(terminal, json, { ok: true, changed, version, expires }, [sentence]);
    return 0;
  });
}
