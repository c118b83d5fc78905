import { existsSync, readdirSync } from 'node:fs';
import { fingerprint, generateKey } from '../../../schema/jose/keys.ts';
import { defineCommand } from '../command.ts';
import { formatKey } from '../desk-codes.ts';
import { makePrivateDirectory } from '../files.ts';
import { isHome, readOperator, writeOperator } from '../home.ts';
import { done, exits, fail } from '../outcome.ts';

export const deskNew = defineCommand({
  name: 'desk new',
  summary: 'Make a key for a second computer, and print what trust needs to know of it',
  usage: '',
  more: [
    'The key stays on this computer. What is printed is public: give it to writ trust add-key on the computer with your root key, and the line that that prints to writ desk join here. The same line is printed again until then.',
  ],
  examples: [{ line: 'writ desk new', about: 'on the second computer' }],
  options: {},
  async run({ configDir }) {
    if (isHome(configDir)) {
      return fail(
        exits.refused,
        'home_exists',
        `${configDir} holds the keys of a home already. Name another directory with --config.`,
      );
    }
    const before = await readOperator(configDir);
    if (!before.ok) return before;
    if (before.value === null && existsSync(configDir) && readdirSync(configDir).length > 0) {
      return fail(
        exits.refused,
        'config_not_empty',
        `${configDir} is not empty. Name another directory with --config.`,
      );
    }
    let key = before.value;
    if (key === null) {
      const made = await generateKey();
      makePrivateDirectory(configDir);
      writeOperator(configDir, made.secret);
      key = made.signing;
    }
    const text = formatKey(key.jwk);
    return done(
      [
        `This computer's key is ${fingerprint(key.kid)}. On the computer with your root key, with what it is to order:`,
        `  writ trust add-key NAME ${text} --may ACTION@TARGET`,
      ].join('\n'),
      { key: text, kid: key.kid },
    );
  },
});
