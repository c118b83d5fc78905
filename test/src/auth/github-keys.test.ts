import { githubKeys } from '../../../src/auth/github-keys.ts';
import { githubKeysContract } from '../../support/github-keys-contract.ts';

githubKeysContract('the control plane', (timeoutMs) => {
  const warned: [string, string, string][] = [];
  let uptimeMs = 1_000;
  const keys = githubKeys({
    uptimeMs: () => uptimeMs,
    warn: (code, { url, reason }) => warned.push([code, url, reason]),
    timeoutMs,
  });
  return {
    keys,
    warned: () => warned,
    advance: (ms) => {
      uptimeMs += ms;
    },
    close: () => {},
  };
});
