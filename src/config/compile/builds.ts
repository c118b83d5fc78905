import type { AppFile } from '../../../schema/manifest/app.ts';
import type { ArtifactEntry, BuildEntry } from '../../../schema/manifest/native.ts';
import { quoteWord } from '../../../schema/quadlet/words.ts';
import type { Unit } from '../home.ts';
import type { AppSource } from '../read/manifest.ts';
import { byText } from '../repo.ts';

/** The folder of a source, by its digest: another source is another folder, and so another unit. Trust grants it from the start. */
const sourceFolder = ({ sha256 }: BuildEntry): string => `/var/opt/writ/sources/${sha256}`;

/** systemd fills in `%` and `$`. */
const literal = (text: string): string => text.replaceAll('%', '%%').replaceAll('$', '$$$$');

const buildText = (app: string, name: string, build: BuildEntry): string =>
  [
    `# Made by Writ from apps/${app}/app.yaml.`,
    '[Build]',
    `ImageTag=${build.image ?? `localhost/${name}:${build.sha256.slice(0, 12)}`}`,
    `SetWorkingDirectory=${sourceFolder(build)}`,
    ...(build.file === undefined ? [] : [`File=${sourceFolder(build)}/${build.file}`]),
    ...(build.stage === undefined ? [] : [`Target=${build.stage}`]),
    // Podman has BuildArg= since 5.7 alone.
    ...Object.keys(build.args)
      .sort(byText)
      .map((key) => `PodmanArgs=${quoteWord(literal(`--build-arg=${key}=${build.args[key]}`))}`),
    '',
  ].join('\n');

/** A .build file for each image that an app builds: `Image=NAME.build` in another unit waits for it. */
export const buildUnits = ({ name: app, file, yaml }: AppSource): Unit[] =>
  Object.entries(file.builds).map(([name, build]) => ({
    name: `${name}.build`,
    text: buildText(app, name, build),
    mode: '0644',
    owner: 'root:root',
    place: yaml.place(['builds', name]),
  }));

/** The archives that the builds of an app need, where their units look for them. */
export const buildSources = ({ builds }: AppFile): ArtifactEntry[] =>
  Object.values(builds).map((build) => ({
    url: build.source,
    sha256: build.sha256,
    to: `${sourceFolder(build)}/`,
    mode: '0644',
    owner: 'root:root',
    unpack: true,
    strip: build.strip,
    on_change: 'none',
  }));
