import { repoOption } from '../build-folder.ts';
import { defineCommand } from '../command.ts';
import { done } from '../outcome.ts';
import { judgeName, machinesToSet, onOption } from '../secrets/targets.ts';
import { readValue } from '../secrets/value.ts';
import { confirmRecipients, openJudge, openVault } from '../secrets/vault.ts';
import { writeSecrets } from '../secrets/write.ts';
import { listed } from '../text.ts';

export const secretsSet = defineCommand({
  name: 'secrets set',
  summary: 'Encrypt a secret into the repo, for the machines that use it',
  usage: 'SECRET',
  more: [
    'The value is asked for without being shown, or comes from a file or standard input; it is never an argument. Bytes are kept as they are: a value that is typed has no line end, one from a file or standard input has those that were there, unless --trim takes the last one off. 1 to 511,999 bytes, as Podman takes.',
    'It is written as secrets/MACHINE/SECRET.age, encrypted to the machine and to you. Before that, the recipients in the repo are compared with what the relays signed and with what this computer knows. Several machines get it all at once.',
  ],
  examples: [
    {
      line: 'writ secrets set grafana_pg_password',
      about: 'asks for the value; for the machines whose apps list it',
    },
    {
      line: 'writ secrets set dns_token --on secsvcs --on websvcs --from token.txt --trim',
      about: 'one value for two machines, without the line end of the file',
    },
    { line: 'writ secrets set tls_key --on secsvcs --from - < key.pem', about: 'from standard input' },
  ],
  options: {
    ...repoOption,
    ...onOption,
    from: { type: 'text', value: 'FILE', about: 'read the value from a file, or from standard input (-)' },
    trim: { type: 'flag', about: 'take one line end off the end of what is read' },
  },
  async run(context, [name = ''], { repo = '.', on, from, trim }) {
    const bad = judgeName(name);
    if (bad !== null) return bad;
    const vault = openVault(repo);
    if (!vault.ok) return vault;
    const judge = await openJudge(context);
    if (!judge.ok) return judge;
    const machines = machinesToSet(vault.value, name, on);
    if (!machines.ok) return machines;
    // Nobody types a value for nothing.
    const confirmed = await confirmRecipients(vault.value, judge.value, machines.value);
    if (!confirmed.ok) return confirmed;
    const what = `${name} for ${listed(machines.value)}`;
    const value = await readValue(context, { what, from, trim });
    if (!value.ok) return value;
    const setting = { name, value: value.value, machines: machines.value };
    const written = await writeSecrets(vault.value, judge.value, [setting]);
    if (!written.ok) return written;
    const text = [
      ...written.value,
      `${listed([...machines.value, 'you'])} can read ${name}. Next: git add secrets`,
    ];
    return done(text.join('\n'), { name, machines: machines.value, files: written.value });
  },
});
