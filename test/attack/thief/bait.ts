import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import type { Loot } from './loot.ts';
import type { Thief } from './thief.ts';

type Part = { files: { path: string; digest: string; size: number; kind: string }[] };

/** The part that the owner deployed to websvcs, as its text. */
export function deployedPart({ releases, blobs }: Loot): string {
  const order = JSON.parse(Buffer.from(releases[0]!.text, 'base64url').toString()) as {
    parts: { digest: string }[];
  };
  return blobs.get(order.parts[0]!.digest.replace('sha256:', ''))!.toString();
}

/**
 * Serves, from now on, a part for websvcs in which a file is the thief's, with every byte that it names: whoever takes an order
 * of it writes that file, which is seen. Of bytes that nobody has, an order that was believed would only look refused.
 */
export async function layBait({ loot, line }: Pick<Thief, 'loot' | 'line'>): Promise<string> {
  const part = JSON.parse(deployedPart(loot)) as Part;
  const file = part.files.find(({ path, kind }) => kind === 'file' && path.startsWith('/etc/opt/'));
  if (file === undefined) throw new Error('the owner deployed no file');
  const bytes = toBytes('taken by the thief\n');
  Object.assign(file, { digest: await digestBytes(bytes), size: bytes.length });
  const text = toBytes(JSON.stringify(part));
  const digest = await digestBytes(text);
  const served = new Map<string, Uint8Array>(loot.blobs);
  for (const [name, of] of [
    [file.digest, bytes],
    [digest, text],
  ] as const)
    served.set(name.replace('sha256:', ''), of);
  line.lie('GET /v1/relay/blobs/{sha256}', ({ url = '' }, response) => {
    const found = served.get(url.split('/').at(-1)!);
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/octet-stream' });
    response.end(found);
  });
  return digest;
}
