// npm run build:action: the GitHub Action's programs, as workflows run them from this repository, each in one file.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions, requireShim, root } from './bundle.ts';

/** Each program of the Action, with the source that it is made of. */
const programs: Readonly<Record<string, string>> = {
  'action/deploy/index.js': 'action/deploy/main.ts',
  'action/check/index.js': 'action/check/main.ts',
  // The thread that templates are rendered in; the program beside it looks for this name.
  'action/check/template-worker.mjs': 'src/cli/template-worker.ts',
};

const head = '// Made by `npm run build:action` from the sources; do not edit.\n';

/** The programs' bytes, by their paths in the repository. Equal sources give equal bytes. */
export async function bundleAction(): Promise<ReadonlyMap<string, string>> {
  const made = new Map<string, string>();
  for (const [path, source] of Object.entries(programs)) {
    const { outputFiles } = await build({
      ...bundleOptions,
      target: 'node24',
      absWorkingDir: root,
      entryPoints: [source],
      banner: { js: requireShim },
      write: false,
    });
    made.set(path, `${head}${outputFiles[0]!.text}`);
  }
  return made;
}

if (process.argv[1] === import.meta.filename) {
  for (const [path, text] of await bundleAction()) {
    writeFileSync(join(root, path), text);
    console.log(`${path}  ${(text.length / 1024).toFixed(0)} KiB`);
  }
}
