import type { ApiCodeCard } from './code-card.ts';

/** Releases: their blobs, orders and deployments. */
export const deployCodes = {
  release_malformed: {
    status: 400,
    title: 'Release malformed',
    meaning:
      'The signed bytes are no order of a release, or a part that they name is none. Nothing was done.',
    todo: 'Deploy again, with a CLI of the version of the control plane and the relays.',
  },
  release_stale: {
    status: 409,
    title: 'A newer release came before',
    meaning:
      'For one of the targets a release of the same or a higher number is known already. Nothing was changed.',
    todo: 'Deploy again: it gets the next number. Also what leads back to an earlier state has a new one.',
  },
  blobs_missing: {
    status: 409,
    title: 'Files of the release missing',
    meaning: 'Something that the release names is not on the control plane. Nothing was done.',
    todo: 'Deploy again: only what is missing is uploaded. What no release names is kept for a day.',
  },
  blob_digest: {
    status: 400,
    title: 'Bytes of another digest',
    meaning: 'The uploaded bytes are not those that their address names. They were not kept.',
    todo: 'Upload them again.',
  },
  blob_unknown: {
    status: 404,
    title: 'No such file of a release',
    meaning: 'No bytes with this digest are here, or none that this caller may read.',
    todo: 'Nothing, if it was long ago: only what the last releases name is kept.',
  },
  deployment_unknown: {
    status: 404,
    title: 'No such deployment',
    meaning: 'There is no deployment with this id, or not any more.',
    todo: 'See GET /v1/deployments.',
  },
} as const satisfies { readonly [code: string]: ApiCodeCard };
