import type { DocumentName, Documents } from '../src/http/deps.ts';

/** Where files lie that were deployed with the Worker. Only the path of a request counts. */
export type Assets = { fetch(request: Request): Promise<Response> };

/**
 * What the API tells of itself, from files that wrangler wrote when it bundled: what makes them is a tenth of what may be
 * put on the edge. Each is read once, and again only where reading failed.
 */
export function assetDocuments(assets: Assets): Documents {
  const read = new Map<DocumentName, Uint8Array<ArrayBuffer>>();
  return async (name) => {
    const known = read.get(name);
    if (known !== undefined) return known;
    const answer = await assets.fetch(new Request(`https://assets.invalid/${name}`));
    if (!answer.ok) {
      throw new Error(
        `the file ${name} was not deployed with this Worker (${answer.status}): deploy it anew`,
      );
    }
    const bytes = new Uint8Array(await answer.arrayBuffer());
    read.set(name, bytes);
    return bytes;
  };
}
