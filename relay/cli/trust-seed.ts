import { helperOf, reseedHelper } from './helper.ts';
import { helperSentences } from './sentences.ts';
import { type ExitCode, type Terminal, tell, tellRefusal } from './terminal.ts';
import { type StateArguments, withState } from './with-state.ts';

/**
 * `writ-relay trust seed DIGEST`: lets the helper as root obey the trust document that the relay obeys. The relay's
 * folder is its own user's, so the digest is the owner's word for it.
 */
export async function trustSeedCommand(
  args: StateArguments & { readonly digest: string },
  terminal: Terminal,
): Promise<ExitCode> {
  const { json, digest } = args;
  const helper = helperOf(args.stateDir);
  if (helper !== 'root') {
    const reason = helper === 'none' ? 'helper_none' : 'not_root';
    tellRefusal(terminal, json, { reason }, helperSentences[reason]);
    return 2;
  }
  return withState(args, terminal, { exclusive: false }, async ({ trust, relay }) => {
    const current = trust.current();
    if (current.digest !== digest) {
      tellRefusal(terminal, json, { reason: 'trust_digest' }, helperSentences.trust_digest);
      return 1;
    }
    const seeded = await reseedHelper({ relay, trust: current });
    if (!seeded.ok) {
      const sentence =
        seeded.reason === 'trust_version' ? helperSentences.trust_version : helperSentences.unwritable;
      tellRefusal(terminal, json, seeded, sentence);
      return 1;
    }
    const { version } = current.document;
    tell(terminal, json, { ok: true, version, digest }, [
      `The helper as root obeys version ${version} of the trust document. Next: systemctl enable --now writ-relay-act.socket`,
    ]);
    return 0;
  });
}
