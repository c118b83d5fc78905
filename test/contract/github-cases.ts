import assert from 'node:assert/strict';
import { statusAudience } from '../../schema/github/audience.ts';
import { startGithubIssuer } from '../support/github-issuer.ts';
import { issuedWorkflow } from '../support/workflow-pins.ts';
import type { Case } from './case.ts';
import { callOf, refusedAs } from './stage.ts';

/** Workflows of GitHub, whose keys the runtime fetches itself. */
export const githubCases: readonly Case[] = [
  {
    name: 'a workflow that trust names is known by its token, whose keys are fetched from its issuer, once',
    run: async ({ home, asOperator, asToken }) => {
      const issuer = await startGithubIssuer();
      try {
        await home.amend((document) => ({
          ...document,
          identities: {
            ...document.identities,
            deploys: issuedWorkflow(['/etc/opt/**'], issuer.url),
          },
        }));
        const upload = await asOperator('POST', '/v1/trust', { versions: [home.versions.at(-1)] });
        assert.equal(upload.status, 200, upload.text);
        const ask = async (claims: object) => {
          const token = await issuer.issue({ aud: statusAudience(home.id), ...claims });
          return asToken(token, callOf('GET', '/v1/trust'));
        };
        for (const _ of [1, 2]) {
          const known = await ask({});
          assert.equal(known.status, 200, known.text);
        }
        refusedAs(await ask({ repository_id: '7' }), 401, 'credentials_invalid');
        refusedAs(await ask({ aud: 'x' }), 401, 'credentials_invalid');
        assert.equal(issuer.requests.jwks, 1);
      } finally {
        await issuer.close();
      }
    },
  },
];
