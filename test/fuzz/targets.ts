import type { Target } from './target.ts';
import { answerTargets } from './targets/answers.ts';
import { archiveTargets } from './targets/archives.ts';
import { fileTargets } from './targets/files.ts';
import { joseTargets } from './targets/jose.ts';
import { machineTargets } from './targets/machine.ts';
import { repoTargets } from './targets/repo.ts';
import { signedTargets } from './targets/signed.ts';
import { tokenTargets } from './targets/tokens.ts';
import { trustTargets } from './targets/trust.ts';

/** Every reader of bytes that somebody else may have chosen. */
export const targets: readonly Target[] = [
  ...signedTargets,
  ...joseTargets,
  ...tokenTargets,
  ...trustTargets,
  ...machineTargets,
  ...archiveTargets,
  ...repoTargets,
  ...fileTargets,
  ...answerTargets,
];
