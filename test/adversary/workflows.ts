import { dawn } from './law.ts';
import type { Op } from './moves.ts';
import { writeRun } from './papers.ts';
import { minute, type Scene } from './scene.ts';
import { makeAttestation } from './tokens.ts';
import { shaOf } from './world-github.ts';

/** What goes on elsewhere while the relay is attacked: workflows run, and a notary says when it saw tokens. */
export function createWorkflows(scene: Scene) {
  const { world, notarySights, tokens } = scene;
  const home = world.home.id;
  /** Others have the right time, whatever the relay's clock shows. */
  const trueNow = (): number => dawn + minute + scene.trueMs;

  return {
    /** The owner has a workflow run; what it builds and its token are recorded. */
    async run(entry: Extract<Op, { op: 'run' }>): Promise<void> {
      const { signer, attempt, environment } = entry;
      const id = 95 + entry.run;
      const draft = {
        targets: [...entry.targets].sort(),
        run: { id, attempt, sha: shaOf(id) },
        at: trueNow(),
        signer,
        ...(signer === 'github' && { claims: { environment } }),
      };
      const { paper, token } = await writeRun(home, draft, world.stranger);
      scene.gainToken(token);
      scene.gain(paper);
    },
    /** The notary is asked for a word on a token; it says when it was asked first. */
    async attest(choice: number): Promise<void> {
      const { text } = tokens[choice % 2 === 0 ? tokens.length - 1 : choice % tokens.length]!;
      const seenMs = notarySights.get(text) ?? trueNow();
      notarySights.set(text, seenMs);
      scene.gainAttestation(await makeAttestation(home, text, seenMs, world.relayKeys.pve1, true));
    },
  };
}
