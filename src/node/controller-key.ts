import { join } from 'node:path';
import { generateKey, importSigningKey, type SigningKey } from '../../schema/jose/keys.ts';
import { parseStrictJson } from '../../schema/jose/strict-json.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { readText, writePrivateFile } from './private-files.ts';

export type KeyFileRefusal = 'controller_key_missing' | 'controller_key_malformed';

export const controllerKeyFile = (dataDir: string): string => join(dataDir, 'controller.key');

/**
 * Reads the controller's key, or makes it while nobody has claimed the instance. A claimed one whose key is gone
 * must not get another: relays obey only the key that trust names, and the old one may be in wrong hands.
 */
export async function loadControllerKey(
  dataDir: string,
  claimed: boolean,
): Promise<Result<SigningKey, KeyFileRefusal>> {
  const path = controllerKeyFile(dataDir);
  const text = await readText(path);
  if (text === null) {
    if (claimed) {
      return refuse(
        'controller_key_missing',
        `${path} is missing although an owner has claimed this instance`,
      );
    }
    const { signing, secret } = await generateKey();
    await writePrivateFile(path, `${JSON.stringify(secret)}\n`);
    return ok(signing);
  }
  const json = parseStrictJson(text.trim(), { maxBytes: 1024, maxDepth: 2 });
  const key = json.ok ? await importSigningKey(json.value) : json;
  return key.ok ? key : refuse('controller_key_malformed', `${path} does not hold a usable key`);
}
