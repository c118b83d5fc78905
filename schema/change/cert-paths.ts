import type { ReleasePart } from '../wire/release.ts';

/** Where certificates, their keys and CAs go: they are made on the target, and no files of a part. */
export const certPathsOf = ({ apps }: Pick<ReleasePart, 'apps'>): string[] =>
  apps.flatMap(({ certs }) =>
    certs.flatMap(({ cert, key, ca }) => [cert, key, ...(ca === undefined ? [] : [ca])]),
  );
