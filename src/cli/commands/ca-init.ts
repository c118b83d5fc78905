import { toBytes } from '../../../schema/jose/digest.ts';
import { rootPath } from '../../config/ca/repo-authority.ts';
import { repoOption } from '../build-folder.ts';
import { openCaRepo } from '../ca/repo.ts';
import { makeCa, readCa } from '../ca/root.ts';
import { defineCommand } from '../command.ts';
import { makePrivateDirectory } from '../files.ts';
import { readHome } from '../home.ts';
import { done } from '../outcome.ts';
import { newPassphrase, passphraseFileOption } from '../passphrase.ts';
import { writeIntoRepo } from '../secrets/write.ts';

export const caInit = defineCommand({
  name: 'ca init',
  summary: 'Make the root of a private CA, for certificates between apps',
  usage: '',
  more: [
    'The root’s key stays on this computer, under a passphrase, in ca.json beside your other keys: back it up. Its certificate lives for ten years and is put into the repo as ca/root.pem. The root signs nothing but an intermediate for each host (writ ca sign). Where this computer has a root already, only its certificate is put into the repo.',
  ],
  examples: [
    { line: 'writ ca init', about: 'once; asks for a passphrase' },
    { line: 'writ ca init --repo home --passphrase-file ca.txt --json', about: 'for a script' },
  ],
  options: { ...repoOption, 'passphrase-file': passphraseFileOption },
  async run(context, _, values) {
    const repo = openCaRepo(values.repo ?? '.');
    if (!repo.ok) return repo;
    const home = await readHome(context.configDir);
    if (!home.ok) return home;
    const known = readCa(context.configDir);
    if (!known.ok) return known;
    let ca = known.value;
    if (ca === null) {
      makePrivateDirectory(context.configDir);
      const { trial, home: id } = home.value.file;
      const question = 'Passphrase for the private CA';
      const said = trial ? null : await newPassphrase(context, values['passphrase-file'], question);
      if (said?.ok === false) return said;
      ca = await makeCa(context, id, said === null ? { trial: true } : { passphrase: said.value });
    }
    const written = writeIntoRepo(repo.value.root, new Map([[rootPath, toBytes(ca.certificate)]]));
    if (!written.ok) return written;
    const made = known.value === null;
    return done(
      [
        made
          ? 'The private CA is made. Its key is in ca.json beside your other keys: back it up.'
          : 'This computer had a private CA already.',
        `Its certificate is ${rootPath} in the repo. Next: writ ca sign`,
      ].join('\n'),
      { made, root: rootPath },
    );
  },
});
