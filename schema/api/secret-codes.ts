import type { CodeCard } from './code-card.ts';

const nothing = 'Nothing was changed.';
const putBack = 'What ran before is in force again.';
const again = 'Then deploy again.';

/** Codes of receipts about secrets on a target: docs/secrets-on-targets.md says how they get there. */
export const secretCodes = {
  secret_missing: {
    title: 'Secret is not set',
    meaning: `An app needs a secret that nobody has set, or that no app lists. ${nothing}`,
    todo: `Set it: \`writ secrets set\`. ${again}`,
  },
  secret_ambiguous: {
    title: 'Secret is derived in two ways',
    meaning: `Two apps of the target say otherwise how a secret of one name is derived. ${nothing}`,
    todo: `Say it in one app, or give them two names. ${again}`,
  },
  secret_circular: {
    title: 'Secret is derived from itself',
    meaning: `Following what a secret is derived from leads back to it. ${nothing}`,
    todo: `Correct \`from\` in app.yaml. ${again}`,
  },
  secret_misplaced: {
    title: 'Placeholder where none can be filled in',
    meaning: `A unit, a file that is only seeded, or one in a volume holds a placeholder of a secret. ${nothing}`,
    todo: `Name the secret in \`Secret=\` of the container, or in a file outside of volumes. ${again}`,
  },
  derived_unknown: {
    title: 'Unknown way to derive',
    meaning: `The relay does not know the way in which a secret is derived. ${nothing}`,
    todo: 'Update the relay to the version of the computer that deploys.',
  },
  secret_not_for_target: {
    title: 'Secret is not for this target',
    meaning: `A secret is encrypted to others than the target’s identity. ${nothing}`,
    todo: `\`writ secrets check\` names it; \`writ secrets recipients\` encrypts it anew. ${again}`,
  },
  secret_unreadable: {
    title: 'Secret cannot be decrypted',
    meaning: `What was released is no file of age, or is damaged. ${nothing}`,
    todo: `Set the secret anew: \`writ secrets set\`. ${again}`,
  },
  secret_not_text: {
    title: 'Secret is no text',
    meaning: `A value that a file with placeholders wants has a NUL. ${nothing}`,
    todo: 'Derive it as `base64`, or hand it to the container by `Secret=`.',
  },
  derived_unfit: {
    title: 'Value cannot be hashed so',
    meaning: `bcrypt takes at most 72 bytes and no NUL. ${nothing}`,
    todo: `Set a shorter value, or derive it otherwise. ${again}`,
  },
  derived_program_missing: {
    title: 'Target lacks what makes the hash',
    meaning: `A derived secret needs a program that the target does not have; the relay’s log names it. ${nothing}`,
    todo: `Install it on the target. ${again}`,
  },
  age_missing: {
    title: 'Target has no age',
    meaning: `Secrets are decrypted on the target by age, which is not installed there. ${nothing}`,
    todo: `Install the package age on the target. ${again}`,
  },
  identity_missing: {
    title: 'Target has no identity',
    meaning: `The target has not made its age identity yet, so nothing can be encrypted to it. ${nothing}`,
    todo: 'A guest makes it after its first release, if it has age; hosts and containers do not make one yet.',
  },
  identity_lost: {
    title: 'Target’s identity is gone',
    meaning: `The target has made an age identity, which is not there any more. ${nothing}`,
    todo: 'Put it back from a backup of the target; what was encrypted to it stays closed otherwise.',
  },
  identity_malformed: {
    title: 'Target’s identity is damaged',
    meaning: `age cannot read the target’s identity. ${nothing}`,
    todo: 'Put it back from a backup of the target.',
  },
  identity_exposed: {
    title: 'Others may read the identity',
    meaning: `Others than root may read the target’s identity, or it is not root’s. ${nothing}`,
    todo: 'Find out why. Take the rights away; if somebody may have read it, rotate the target’s secrets.',
  },
  secret_foreign: {
    title: 'Podman has another secret of this name',
    meaning: `Podman on the target has a secret of this name that Writ did not create, with another value. ${nothing}`,
    todo: `Remove it there (\`podman secret rm\`), or rename yours. ${again}`,
  },
  secret_driver_failed: {
    title: 'Podman gets no value',
    meaning: `Podman asked the target’s program for a secret and got none. ${putBack}`,
    todo: 'See the relay’s log on the host for what the program said.',
  },
  podman_failed: {
    title: 'Podman did not take a secret',
    meaning: `Podman on the target did not do what it was asked for with secrets. ${putBack}`,
    todo: 'See the relay’s log on the host.',
  },
  tmpfs_missing: {
    title: '/run is not in memory',
    meaning: `Files with secrets are filled in under /run, which lies on a disk of this target. ${nothing}`,
    todo: 'Let systemd mount a tmpfs there, as Debian does.',
  },
  shell_unfit: {
    title: 'Shell would show values',
    meaning: `The target’s shell has no \`printf\` of its own, so that values would show in the list of processes. ${nothing}`,
    todo: 'Make dash the target’s /bin/sh, as Debian does.',
  },
  secrets_failed: {
    title: 'Secrets could not be applied',
    meaning: `The target’s program of secrets ended with something else. ${putBack}`,
    todo: 'See the relay’s log on the host.',
  },
} as const satisfies { readonly [code: string]: CodeCard };
