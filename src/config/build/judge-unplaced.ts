import type { UnitFile } from '../../../schema/quadlet/unit.ts';
import type { Placed } from '../compile/units.ts';
import type { Finding } from '../finding.ts';
import type { Home } from '../home.ts';
import type { UnreadApp } from '../read/manifest.ts';
import { textOrNull } from '../read/text.ts';
import type { RenderTemplates } from '../template/job.ts';
import { draftFiles } from './files.ts';
import { judgeLoneUnits } from './judge-units.ts';
import { renderDrafts } from './templates.ts';

/**
 * What is wrong with the files of apps that no machine takes, or whose app.yaml could not be read, as far as it can be
 * told without a machine.
 *
 * @param unmade sources of units whose text is not known
 */
export async function judgeUnplaced(
  unplaced: readonly Placed[],
  unread: readonly UnreadApp[],
  home: Home,
  render: RenderTemplates,
  unmade: ReadonlySet<string>,
): Promise<Finding[]> {
  const drafted = unplaced.map((one) => draftFiles(one));
  const rendered = await renderDrafts(
    drafted.flatMap(({ drafts }) => drafts),
    unplaced,
    home,
    render,
  );
  return [
    ...drafted.flatMap(({ findings }) => findings),
    ...rendered.findings,
    ...unplaced.flatMap(({ parsed }) => {
      const files = parsed.flatMap(({ texts }) => texts.map(({ from }) => from));
      return judgeLoneUnits([...new Set(files)], unmade);
    }),
    ...unread.flatMap((one) => judgeLoneUnits(unitsIn(one), unmade)),
  ];
}

/** Nothing but units has such a name. */
const unitName = /^[^/]+\.(container|volume|network|pod|kube|image|build)$/;

const unitsIn = ({ name, folder }: UnreadApp): UnitFile[] =>
  [...folder].flatMap(([path, bytes]) => {
    const text = unitName.test(path) ? textOrNull(bytes) : null;
    return text === null ? [] : [{ name: path, text, file: `apps/${name}/${path}` }];
  });
