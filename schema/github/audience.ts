import type { Digest } from '../jose/digest.ts';

/** The audience of a token that authorises a release: the very bytes of its order, for one home. */
export const releaseAudience = (home: string, digest: Digest): string => `writ:${home}:release:${digest}`;

/** The audience of a token that only speaks with the control plane. No relay takes it for anything. */
export const statusAudience = (home: string): string => `writ:${home}:status`;
