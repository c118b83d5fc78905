// npm run build: the programs as bundles for Node 20 and newer, in dist/, with their sizes.

import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { programVersion } from '../schema/version.ts';

export const root = join(import.meta.dirname, '..');
export const dist = join(root, 'dist');

/** What the bundle of a relay or of its helper may weigh: each is loaded by every host. */
const maxRelayBytes = 400 * 1024;

/** The relay's package that the CLI tells hosts to install: of the same version, and known by its digest. */
export type RelayPackage = { readonly version: string; readonly sha256: string };

export const relayPackageFile = `writ-relay_${programVersion}_all.deb`;

export const sha256Of = (file: string): string =>
  createHash('sha256').update(readFileSync(file)).digest('hex');

/** What Node lacks in an ES module, and bundled CommonJS asks for. */
export const requireShim =
  "import { createRequire as writCreateRequire } from 'node:module'; const require = writCreateRequire(import.meta.url);";

/** How each program is bundled. */
export const bundleOptions: BuildOptions = {
  bundle: true,
  platform: 'node',
  // As CommonJS, a module that is loaded later would have a default export alone.
  mainFields: ['module', 'main'],
  format: 'esm',
  target: 'node20',
  // Names stay, for traces and logs. To shorten them and set them again (`keepNames`) takes a call for each function
  // that is made, a tenth of the time of `writ config check`.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  charset: 'utf8',
};

/**
 * As CommonJS, because an ES module takes Node's loader for such, and from each of Node's own modules all that it
 * exports: from node:http a whole other client, WebSockets included. That is 1 MB of an idle relay's memory on Node 20,
 * and 6 MB on Node 24.
 */
async function bundleForHosts(entry: string, name: string): Promise<string> {
  const outfile = join(dist, name);
  await build({
    ...bundleOptions,
    // Every host loads it.
    minify: true,
    keepNames: true,
    format: 'cjs',
    define: { 'import.meta.url': 'ownUrl' },
    banner: { js: "const ownUrl = require('node:url').pathToFileURL(__filename).href;" },
    entryPoints: [join(root, entry)],
    outfile,
  });
  chmodSync(outfile, 0o755);
  const { size } = statSync(outfile);
  if (size > maxRelayBytes) throw new Error(`${name} has ${size} bytes, over ${maxRelayBytes}`);
  return outfile;
}

/** Bundles the relay: one file, with nothing native and nothing to be installed beside it. */
export const bundleRelay = (): Promise<string> => bundleForHosts('relay/main.ts', 'writ-relay.cjs');

/** Bundles the relay's helper as root, alike. */
export const bundleAct = (): Promise<string> => bundleForHosts('relay/act/main.ts', 'writ-relay-act.cjs');

/**
 * Bundles the CLI with the control plane. What only `writ serve` needs is in chunks of its own, loaded by it alone;
 * libsql stays outside, because it is native.
 */
export async function bundleCli(relayPackage: RelayPackage | null): Promise<string> {
  const outdir = join(dist, 'writ');
  rmSync(outdir, { recursive: true, force: true });
  await build({
    ...bundleOptions,
    entryPoints: {
      writ: join(root, 'src/cli/main.ts'),
      // The thread that `writ config` renders templates in.
      'template-worker': join(root, 'src/cli/template-worker.ts'),
    },
    outdir,
    splitting: true,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunk-[hash]',
    external: ['libsql'],
    banner: { js: requireShim },
    define: { WRIT_RELAY_PACKAGE: JSON.stringify(relayPackage) },
  });
  chmodSync(join(outdir, 'writ.mjs'), 0o755);
  return outdir;
}

/** The relay's package as it was built last, if it was. */
export function builtRelayPackage(): RelayPackage | null {
  const file = join(dist, relayPackageFile);
  return existsSync(file) ? { version: programVersion, sha256: sha256Of(file) } : null;
}

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(0)} KiB`;

if (process.argv[1] === import.meta.filename) {
  mkdirSync(dist, { recursive: true });
  const relay = await bundleRelay();
  const act = await bundleAct();
  const cli = await bundleCli(builtRelayPackage());
  const files = readdirSync(cli).map((name) => statSync(join(cli, name)).size);
  console.log(`dist/writ-relay.cjs   ${kib(statSync(relay).size)} (limit ${kib(maxRelayBytes)})`);
  console.log(`dist/writ-relay-act.cjs ${kib(statSync(act).size)} (limit ${kib(maxRelayBytes)})`);
  console.log(
    `dist/writ/writ.mjs    ${kib(statSync(join(cli, 'writ.mjs')).size)}, with its chunks ${kib(files.reduce((a, b) => a + b, 0))}`,
  );
}
