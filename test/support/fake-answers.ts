import type { ServerResponse } from 'node:http';

export const problem = (response: ServerResponse, status: number, code: string): void => {
  response.writeHead(status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ type: 'about:blank', title: code, status, code, detail: code }));
};
export const json = (response: ServerResponse, body: object): void => {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
};
/** The bytes of a release that a relay asks for, if it does. */
export function sendBlob(
  path: string,
  blobs: ReadonlyMap<string, Uint8Array>,
  response: ServerResponse,
): boolean {
  const hex = /^\/v1\/relay\/blobs\/([0-9a-f]{64})$/.exec(path)?.[1];
  if (hex === undefined) return false;
  const bytes = blobs.get(`sha256:${hex}`);
  if (bytes === undefined) problem(response, 404, 'blob_unknown');
  else response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(bytes);
  return true;
}
