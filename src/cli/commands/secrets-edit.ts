import { maxSecretBytes } from '../../config/secrets/age-header.ts';
import { repoOption } from '../build-folder.ts';
import { defineCommand } from '../command.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { type Edited, editorWords, guardSignals, runEditor } from '../secrets/editor.ts';
import { identityOptions, readIdentity } from '../secrets/identity.ts';
import { makePlainFolder, plainPlace } from '../secrets/plain-folder.ts';
import { decryptFiles, filesOf, judgeName } from '../secrets/targets.ts';
import { withoutLineEnd } from '../secrets/value.ts';
import { confirmRecipients, openJudge, openVault } from '../secrets/vault.ts';
import { writeSecrets } from '../secrets/write.ts';

export const secretsEdit = defineCommand({
  name: 'secrets edit',
  summary: 'Open a secret in your editor, and encrypt it again',
  usage: 'SECRET',
  more: [
    'The editor is $VISUAL or $EDITOR, else vi. It is given a file in memory (tmpfs: $XDG_RUNTIME_DIR or /dev/shm) in a folder that only you may enter; both are overwritten and removed however the command ends. What an editor writes elsewhere (undo files, registers, swap files in another folder) writ cannot see: for vim, EDITOR="vim -n -i NONE --cmd \'set noundofile nobackup\'" keeps it from that.',
    'Without a change nothing is written. An editor that puts a line end behind a value that had none does not change it, unless --keep-newline is given.',
  ],
  examples: [
    { line: 'writ secrets edit grafana_pg_password', about: 'on all machines that have it' },
    {
      line: 'writ secrets edit tls_key --on secsvcs --identity ~/.age/key.txt',
      about: 'on one machine, decrypted with a key of your own',
    },
  ],
  options: {
    ...repoOption,
    on: { type: 'list', value: 'MACHINE', about: 'a machine that has it (default: all that have it)' },
    ...identityOptions,
    tmp: {
      type: 'text',
      value: 'DIR',
      about: 'where the editor’s file is put, though it may not be in memory',
    },
    'keep-newline': { type: 'flag', about: 'keep a line end that the editor put behind the value' },
  },
  async run(context, [name = ''], values) {
    const bad = judgeName(name);
    if (bad !== null) return bad;
    const vault = openVault(values.repo ?? '.');
    if (!vault.ok) return vault;
    const judge = await openJudge(context);
    if (!judge.ok) return judge;
    const files = filesOf(vault.value, name, values.on);
    if (!files.ok) return files;
    const place = plainPlace(context.env, values.tmp);
    if (!place.ok) return place;
    const machines = files.value.map(({ machine }) => machine);
    const confirmed = await confirmRecipients(vault.value, judge.value, machines);
    if (!confirmed.ok) return confirmed;
    const identity = await readIdentity(context, values);
    if (!identity.ok) return identity;
    const opened = await decryptFiles(files.value, identity.value);
    if (!opened.ok) return opened;
    const [before, ...others] = opened.value;
    if (others.some((other) => Buffer.compare(before!, other) !== 0)) {
      return fail(
        exits.usage,
        'values_differ',
        `${machines.join(', ')} have different values of ${name}. Nothing was changed. Edit them one by one: --on MACHINE.`,
      );
    }
    context.progress.end();
    const edited = await edit(context.env, place.value, name, before!);
    if (!edited.ok) return edited;
    const value =
      before!.at(-1) === 0x0a || values['keep-newline'] ? edited.value : withoutLineEnd(edited.value);
    if (Buffer.compare(before!, value) === 0) {
      return done(`${name} is as it was. Nothing was written.`, {
        name,
        machines,
        changed: false,
        files: [],
      });
    }
    if (value.length === 0 || value.length > maxSecretBytes) {
      return fail(
        exits.usage,
        'secret_size',
        `${name} would have ${value.length} bytes; Podman takes 1 to ${maxSecretBytes} as a secret. Nothing was written.`,
      );
    }
    const written = await writeSecrets(vault.value, judge.value, [{ name, value, machines }]);
    if (!written.ok) return written;
    return done([...written.value, 'Next: git add secrets'].join('\n'), {
      name,
      machines,
      changed: true,
      files: written.value,
    });
  },
});

/** What an editor makes of a value. Nothing of it is left when this ends, nor when the process does. */
async function edit(
  env: Readonly<Record<string, string | undefined>>,
  place: string,
  name: string,
  before: Uint8Array<ArrayBuffer>,
): Promise<{ ok: true; value: Uint8Array<ArrayBuffer> } | Failure> {
  const guard = guardSignals(process);
  let wipe = (): void => {};
  const wipeAtExit = (): void => wipe();
  process.once('exit', wipeAtExit);
  try {
    const folder = makePlainFolder(place, name, before);
    wipe = folder.wipe;
    const ended = await runEditor(editorWords(env), folder.file, guard);
    if (!ended.ok) return failure(ended);
    const value = folder.read(maxSecretBytes + 2);
    return value === null
      ? failure({ reason: 'editor_failed', detail: 'its file is gone, or too large for a secret' })
      : { ok: true, value };
  } finally {
    wipe();
    process.off('exit', wipeAtExit);
    guard.release();
  }
}

const failure = ({ reason, detail }: Omit<Edited & { ok: false }, 'ok'>): Failure =>
  fail(exits.failed, reason, `The edit did not end well: ${detail}. Nothing was written.`);
