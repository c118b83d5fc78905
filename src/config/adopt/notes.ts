/** Why something was left out of an adoption, stopped it, or should be looked at. The codes are stable. */
export const noteCodes = {
  bad_name: 'Its name has control characters, or bytes that are not UTF-8.',
  binary: 'It is no text. `--include` takes it.',
  by_name: 'No unit names it; it went to the app that its folder or its own name says.',
  dead_unit:
    'Podman or systemd refuses the unit or drops a part of it, or it clashes with another. Mend it, then call again.',
  differs: 'The repo has another file for that place. Nothing was written.',
  empty_folder: 'A folder without files that no unit names.',
  enabled: '`systemctl enable` makes it, from what [Install] says. `--include` takes it.',
  guessed_place: 'Its place on the machine was found by what a unit mounts.',
  homelab: 'homelab.yaml must be changed by hand first. Nothing was written.',
  link: 'It is a link, which is not followed.',
  machine_assumed: 'The machine was taken for a host without Proxmox VE.',
  mode_narrowed: 'Its owner is not known, so that only the owner may write it.',
  no_file: 'It is neither a file nor a folder.',
  no_match: 'A pattern fits nothing.',
  no_service: 'No unit belongs to these files: nothing restarts when they change.',
  nobody_names: 'No unit names it, and neither does its folder say whose it is.',
  not_a_unit: 'It is brought as a file: its service is not known to Writ.',
  not_same: 'What the repo would build is not what was read. Nothing was written.',
  owner_assumed: 'Not everybody may read it, and whose it is is not known: it would be root’s.',
  package: 'It lies where packages put their files. `--include` takes it.',
  place_twice: 'Two of the given files have one place on the machine. Nothing was written.',
  podman_unknown: 'A key came with a later Podman: say which one the machine has. Nothing was written.',
  refused:
    'Accounts, logins, keys of the machine, what root runs by itself (cron), Proxmox VE and Writ itself are never brought by Writ.',
  repo_broken: 'The repo itself has errors. Nothing was written.',
  rootless: "A user's own unit: Writ runs root's. `--include` takes the file.",
  secret:
    'It holds a private key or a password in clear, or is a file for credentials such as `.netrc`. `--include-secrets` takes it.',
  secret_in_unit:
    'The unit holds a password in clear: say `--include-secrets` or `--exclude`. Nothing was written.',
  special_mode: 'It has a mode that a release cannot say: setuid, setgid or sticky.',
  state: 'It is what programs write while they run. `--include` takes it.',
  too_large: 'It is larger than a file of a release can be.',
  tool_folder: 'It lies in a folder of a tool, such as .git, which is not read.',
  unplaced: 'Nothing says where on the machine it lies. `--to` says it.',
  unreadable: 'The system refuses to read it.',
  whole_etc: 'All of /etc was given, and no unit names it. `--include` takes it.',
} as const satisfies Readonly<Record<string, string>>;
export type NoteCode = keyof typeof noteCodes;
