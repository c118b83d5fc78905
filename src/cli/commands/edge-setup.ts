import { join } from 'node:path';
import { formatSetupCode } from '../../../schema/api/access.ts';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { defineCommand } from '../command.ts';
import { makePrivateDirectory, readTextFile, replaceFile } from '../files.ts';
import { httpsOrigin } from '../origins.ts';
import { done, exits, fail } from '../outcome.ts';

/** What a Worker is bound to before an owner claims it, and the code to claim it with. */
export type EdgeSecrets = {
  readonly secrets: { readonly CONTROLLER_KEY: string; readonly SETUP_SECRET: string };
  readonly setupCode: string;
};

/** Makes a controller key and a setup secret for the Worker at an origin. */
export async function makeEdgeSecrets(
  origin: string,
  random: (bytes: number) => Uint8Array<ArrayBuffer>,
): Promise<EdgeSecrets> {
  const { signing, secret } = await generateKey();
  const setupSecret = encodeBase64url(random(32));
  return {
    secrets: { CONTROLLER_KEY: JSON.stringify(secret), SETUP_SECRET: setupSecret },
    // No pin: authorities vouch for a Worker's certificate, and its key changes.
    setupCode: formatSetupCode({ origin, spki: null, controller: signing.jwk, secret: setupSecret }),
  };
}

export const edgeSetup = defineCommand({
  name: 'edge-setup',
  summary: 'Make the secrets of a control plane on Cloudflare Workers',
  usage: 'DIR',
  more: [
    'Writes CONTROLLER_KEY and SETUP_SECRET, each to a file of mode 0600 in DIR, to be bound to the Worker with wrangler, and prints the setup code to claim it with. Remove the files then: whoever has the controller key can order what the trust document lets the controller order. docs/workers.md tells the whole way.',
  ],
  examples: [
    {
      line: 'writ edge-setup ./secrets --origin https://writ.example.workers.dev',
      about: 'for a Worker that will answer there',
    },
  ],
  options: {
    origin: { type: 'text', value: 'URL', about: 'where the Worker will answer, https' },
  },
  async run(context, [directory], values) {
    const origin = httpsOrigin(values.origin);
    if (origin === null) {
      return fail(
        exits.usage,
        'origin_invalid',
        '--origin takes an address such as https://writ.example.workers.dev.',
      );
    }
    const at = (name: string): string => join(directory!, name);
    const { secrets, setupCode } = await makeEdgeSecrets(origin, context.random);
    const names = Object.keys(secrets);
    try {
      makePrivateDirectory(directory!);
      const present = names.find((name) => readTextFile(at(name), 4096) !== null);
      if (present !== undefined) {
        return fail(
          exits.refused,
          'secrets_exist',
          `${at(present)} is there already. Remove it first, if no Worker has it.`,
        );
      }
      for (const [name, value] of Object.entries(secrets)) replaceFile(at(name), value);
    } catch (error) {
      return fail(exits.failed, 'directory_unusable', `${directory} cannot be used: ${messageOf(error)}.`);
    }
    const lines = [
      'Bind the two secrets to the Worker, and remove their files:',
      '',
      ...names.map((name) => `  npx wrangler secret put ${name} < ${at(name)}`),
      `  rm ${names.map(at).join(' ')}`,
      '',
      `Once it answers at ${origin}, claim it:`,
      '',
      `  writ init ${setupCode} --house house.yaml`,
    ];
    return done(lines.join('\n'), { setup_code: setupCode, files: names.map(at) });
  },
});

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
