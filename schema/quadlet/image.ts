export type ImageText = {
  /** `docker.io`, `localhost`, `registry.example.net:5000`; absent in a short name. */
  readonly registry?: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
};

const part = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;

/** Reads the reference of an image; a sentence for what no registry takes. Ids and transports are null. */
export function parseImage(text: string): ImageText | string | null {
  if (/^(sha256:)?[0-9a-f]{64}$/.test(text)) return null;
  if (
    /^(docker|docker-archive|docker-daemon|oci|oci-archive|dir|containers-storage|ostree|sif):/.test(text)
  ) {
    return null;
  }
  const [named, digest, more] = text.split('@');
  if (named === undefined || named === '' || more !== undefined) return `${text} names no image`;
  if (digest !== undefined && !/^sha256:[0-9a-f]{64}$|^sha512:[0-9a-f]{128}$/.test(digest)) {
    return `${digest} is no digest: sha256: and 64 hexadecimal digits`;
  }
  const slash = named.indexOf('/');
  const head = slash < 0 ? '' : named.slice(0, slash);
  const hasRegistry = /[.:]/.test(head) || head === 'localhost';
  const rest = hasRegistry ? named.slice(slash + 1) : named;
  const colon = rest.lastIndexOf(':');
  const repository = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (tag !== undefined && !/^[\w][\w.-]{0,127}$/.test(tag))
    return `${tag === '' ? 'nothing' : tag} is no tag`;
  if (!repository.split('/').every((one) => part.test(one))) {
    return repository === repository.toLowerCase()
      ? `${text} names no image`
      : `the name of an image is in lower case, ${repository} is not`;
  }
  return {
    ...(hasRegistry && { registry: head }),
    repository,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  };
}
