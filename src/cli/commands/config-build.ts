import type { Release } from '../../../schema/wire/release.ts';
import { writeReleaseFile } from '../../config/build/release-file.ts';
import { buildRepos, readRepoFrom, repoOption } from '../build-folder.ts';
import { defineCommand } from '../command.ts';
import { findingsJson, findingsText } from '../findings.ts';
import { done, exits } from '../outcome.ts';
import { judgeOutput, manifestFile, replaceFolder, replaceOutput } from '../output.ts';
import { table } from '../text.ts';

/** The files of every target under its name, the manifest beside them. */
function outputFiles({ manifest, bytes, blobs }: Release): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>([[manifestFile, bytes]]);
  for (const { target, files: own } of manifest.parts) {
    // A file in a volume has its folder beside those of the machine: websvcs/volume:data/…
    for (const { path, digest } of own) {
      files.set(`${target}/${path.replace(/^\//, '')}`, blobs.get(digest)!);
    }
  }
  return files;
}

export const configBuild = defineCommand({
  name: 'config build',
  summary: "Make the release of a homelab's repo",
  usage: '',
  more: [
    'Equal repos give equal bytes, on any machine. Nothing is written while anything is wrong, and what is written comes whole or not at all. Secrets are in it as they are in the repo: encrypted.',
  ],
  examples: [
    { line: 'writ config build', about: 'says what the release holds, and its digest' },
    { line: 'writ config build -o out', about: 'writes out/<machine>/<path> and out/manifest.json' },
    { line: 'writ config build --release home.tar', about: 'writes the release as one file' },
  ],
  options: {
    ...repoOption,
    output: { type: 'text', short: 'o', value: 'DIR', about: 'a folder for the files of every machine' },
    release: { type: 'text', value: 'FILE', about: 'a file for the release' },
  },
  async run(_, __, { repo = '.', output, release: releaseFile }) {
    const read = readRepoFrom(repo);
    if (!read.ok) return read;
    const bad = output === undefined ? null : judgeOutput(output);
    if (bad !== null) return bad;
    const [built] = await buildRepos([read.value]);
    const { findings, release } = built!;
    if (release === undefined) {
      const text = [...findingsText(findings), 'Nothing was written.'].join('\n');
      return done(text, { ...findingsJson(findings), digest: null, parts: [] }, exits.failed);
    }
    const parts = release.manifest.parts.map(({ target, apps, files }) => ({
      target,
      apps: apps.map(({ name }) => name),
      files: files.length,
      bytes: files.reduce((sum, { size }) => sum + size, 0),
    }));
    if (releaseFile !== undefined) replaceOutput(releaseFile, writeReleaseFile(release));
    if (output !== undefined) replaceFolder(output, outputFiles(release));
    const rows = parts.map(({ target, apps, files, bytes }) => [
      target,
      `${apps.length} apps`,
      `${files} files`,
      `${bytes} bytes`,
    ]);
    return done(
      [...findingsText(findings), ...(rows.length > 0 ? [table(rows)] : []), release.digest].join('\n'),
      { ...findingsJson(findings), digest: release.digest, parts },
    );
  },
});
