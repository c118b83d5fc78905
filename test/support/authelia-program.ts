import { spawnSync } from 'node:child_process';
import type { AutheliaRequest } from './authelia-reader.ts';
import { findProgram } from './own-program.ts';

export const autheliaProgram = findProgram('authelia');

/** The policy that Authelia itself names for a request, by the access_control of a file. */
export function decideByAuthelia(file: string, request: AutheliaRequest): string {
  const { host, path = '/', method = 'GET', groups, address = '192.0.2.1' } = request;
  const words = ['--config', file, '--url', `https://${host}${path}`, '--method', method, '--ip', address];
  const who = groups === undefined ? [] : ['--username', 'anna', '--groups', groups.join(',')];
  const argv = ['access-control', 'check-policy', ...words, ...who];
  const { stdout, stderr } = spawnSync(autheliaProgram!, argv, { encoding: 'utf8' });
  const policy = /^The policy '(\w+)'/m.exec(stdout)?.[1];
  if (policy === undefined) throw new Error(`authelia ${argv.join(' ')}: ${stdout}${stderr}`);
  return policy;
}
