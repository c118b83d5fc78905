import type { CodeCard } from './code-card.ts';

const seeLog = 'See `journalctl -u writ-relay` on the host: it names what it is about.';
const seeService =
  'See `systemctl status` and `journalctl -u` of the service on the target, mend the app, and deploy anew.';
const putBack = 'What ran before is in force again.';

/** What comes of a release on a relay and on its targets: in receipts, reports and a relay's log. */
export const releaseCodes = {
  // The order
  release_forgotten: {
    title: 'Release from before a refused one',
    meaning:
      'Releases that were signed by then may have been refused here, and the relay no longer knows which. It was left alone.',
    todo: 'Deploy anew.',
  },

  // Its part for the target
  blob_missing: {
    title: 'Bytes of the release missing',
    meaning: 'The control plane does not have bytes that the release names. Nothing was changed.',
    todo: 'Deploy anew: what is missing is uploaded again.',
  },
  blob_unreachable: {
    title: 'Bytes of the release did not come',
    meaning:
      'The relay could not fetch bytes of the release, or what came was not what was signed. Nothing was changed.',
    todo: 'Check the link between relay and control plane, and deploy anew.',
  },
  blob_wrong: {
    title: 'Other bytes than were signed',
    meaning: 'What was brought is not what the release names. Nothing was changed.',
    todo: 'If it persists, somebody changes what the control plane sends; the relay did nothing.',
  },
  part_malformed: {
    title: 'Part of the release malformed',
    meaning: 'The bytes are those that were signed, and this version cannot read them. Nothing was changed.',
    todo: 'Check the versions of the relay and of the computer that built the release.',
  },
  part_foreign: {
    title: 'Part of another target',
    meaning: 'The order names a part that was built for another target or relay. Nothing was changed.',
    todo: 'Deploy anew. If it persists, find out who signed that order.',
  },
  part_needs_more: {
    title: 'Release asks for more than can be done',
    meaning:
      'The target’s part holds what no relay can bring about yet, such as sources of packages. Nothing was changed.',
    todo: `${seeLog} docs/not-yet.md lists what is planned.`,
  },
  part_quarantined: {
    title: 'This part failed here before',
    meaning:
      'The very same part failed on this target by a fault of its own, so it is not tried again by itself. Nothing was changed.',
    todo: 'Mend the app and deploy anew, or have it tried once more: `writ retry`.',
  },
  target_changed: {
    title: 'Another release is in force by now',
    meaning:
      'What was changed by hand was to be put back, and meanwhile another release came. Nothing was changed.',
    todo: 'Nothing. The relay looks again.',
  },
  path_not_granted: {
    title: 'Path not granted',
    meaning:
      'The release would write or remove a path that the trust document does not let its signer touch. Nothing was changed.',
    todo: `${seeLog} Add the path to the grant’s \`paths\` with a new trust version, or take the file out.`,
  },
  path_never: {
    title: 'Path that no release may touch',
    meaning:
      'The release would write or remove what belongs to Writ itself, to logging in or becoming root, to packages or to Proxmox VE. Nothing was changed.',
    todo: `${seeLog} Take the file out, and do by hand what must be done there.`,
  },
  unit_takes_place: {
    title: 'Unit would take Writ’s place',
    meaning:
      'A unit of the release has the name of one of Writ’s own, gives itself such a name, or would stop one. Nothing was changed.',
    todo: `${seeLog} Give the unit another name.`,
  },
  unit_fetched: {
    title: 'A unit would come from elsewhere',
    meaning:
      'An app would have a file or an archive fetched to where systemd and Podman look for units. Nobody would have judged its text. Nothing was changed.',
    todo: `${seeLog} Put the unit into the app’s folder in the repo.`,
  },
  unit_opens_never: {
    title: 'Unit opens what no release may touch',
    meaning:
      'A unit of the release would let a container or a user write what belongs to Writ, to logging in or becoming root, to packages or to Proxmox VE. Nothing was changed.',
    todo: `${seeLog} Mount a narrower folder, or mount it read-only (\`:ro\`).`,
  },

  // The target
  foreign_file: {
    title: 'A file stands in the way',
    meaning:
      'Where the release has a file is one that Writ did not put there, with other bytes. Nothing was changed.',
    todo: `${seeLog} Move it away, or take it into the repo as it is (\`writ adopt\`).`,
  },
  not_a_file: {
    title: 'No file where one must be',
    meaning:
      'Where the release has a file is a folder, a link or a device. Or what could not be brought back lies in a folder that the repo keeps free of other files (`prune`): a link, a device, a file over 64 MiB, a name that no release could have. Nothing was changed.',
    todo: `${seeLog} Move it away.`,
  },
  not_a_folder: {
    title: 'No folder where one must be',
    meaning: 'Where the release has a folder is something else. Nothing was changed.',
    todo: `${seeLog} Move it away.`,
  },
  owner_unknown: {
    title: 'Owner unknown on the target',
    meaning:
      'A file of the release belongs to a user or group that the target does not have. Nothing was changed.',
    todo: 'Make the user there, or write the owner as numbers.',
  },
  prune_too_much: {
    title: 'Too much in a folder that is kept free',
    meaning:
      'A folder that the repo keeps free of other files (`prune`) has thousands of them. Nothing was changed.',
    todo: `${seeLog} If it is the wrong folder, mend the repo; otherwise empty it by hand.`,
  },
  packages_missing: {
    title: 'Packages are not installed',
    meaning:
      'The target lacks a package that the repo names, or has another version of it than the repo wants. Releases install none. Nothing was changed.',
    todo: `${seeLog} Install it there by \`apt install\`, and deploy again.`,
  },
  users_missing: {
    title: 'Users are not as stated',
    meaning:
      'The target lacks a user that the repo names, or has one with another number, home, shell or without a group. Releases make none. Nothing was changed.',
    todo: 'See docs/deploy.md, "What apps take for granted". Make or change it there by `useradd` or `usermod`, and deploy again.',
  },
  artifact_unreachable: {
    title: 'A file from elsewhere cannot be fetched',
    meaning:
      'The target could not fetch what an app has from elsewhere: its server does not answer, does not have it any more, or sends whoever asks on to a plain address. Nothing was changed.',
    todo: '`--log` names the address and what apt’s helper said. See whether the target reaches it, where apt on the target has a proxy by that one, and deploy again.',
  },
  artifact_wrong: {
    title: 'A file from elsewhere is another one',
    meaning:
      'What was fetched has not the digest that the repo states. Nothing was changed, and it is not tried again by itself.',
    todo: 'Find out why its server gives something else. If that is meant, put its new `sha256` into app.yaml, and deploy anew; else `writ retry`.',
  },
  artifact_unfit: {
    title: 'A file from elsewhere cannot be brought',
    meaning:
      'What was fetched is what the repo states, and nothing that a release could bring: it is too large, no archive that tar knows, or one with links, devices or paths that lead out of its folder; or two of its files would be one. Nothing was changed.',
    todo: '`--log` says what it is about. See docs/deploy.md, "What apps have from elsewhere", for what can be brought.',
  },
  file_changes: {
    title: 'A file changes meanwhile',
    meaning: 'A file on the target became another one while it was read. Nothing was changed.',
    todo: 'Find out who writes it, and deploy anew.',
  },
  target_changes: {
    title: 'Target changes meanwhile',
    meaning: `Files of the target were made or removed by somebody else at the same time. ${putBack}`,
    todo: 'Find out who works there, and deploy anew.',
  },
  target_symlink: {
    title: 'A link on the way to a file',
    meaning: `A folder on the way to a file of the release is a symbolic link. Writ follows none. ${putBack}`,
    todo: `${seeLog} Name the real path in the repo.`,
  },
  target_not_permitted: {
    title: 'Not permitted on the target',
    meaning:
      'The target’s system does not let its root do it, or the relay’s token may run nothing in the guest. What had begun was put back.',
    todo: 'For the token: `writ-relay setup-proxmox`. Otherwise look for an immutable file or a confined agent there.',
  },
  target_disk_full: {
    title: 'Target’s disk is full',
    meaning: `The target has no room for the release. ${putBack}`,
    todo: 'Make room there, and deploy anew.',
  },
  target_read_only: {
    title: 'Target’s disk is read-only',
    meaning: 'A file system of the target takes no writes. Nothing was changed.',
    todo: 'Look at the target’s disk and its log.',
  },
  target_timeout: {
    title: 'Target took too long',
    meaning: `A program on the target did not end in time. ${putBack}`,
    todo: 'Look at the target’s load, and deploy anew.',
  },
  target_program_missing: {
    title: 'A program is missing on the target',
    meaning: `A program that is needed there is not installed. ${putBack}`,
    todo: `${seeLog} Install it.`,
  },
  target_unreachable: {
    title: 'Target not reached',
    meaning: `The way to the target was lost, or the target itself. ${putBack}`,
    todo: 'Check that it runs and that its guest agent answers, and deploy anew.',
  },
  target_error: {
    title: 'Target answered with an error',
    meaning: `Something failed on the target that has no code of its own here. ${putBack}`,
    todo: seeLog,
  },
  target_not_seen: {
    title: 'Target not looked at yet',
    meaning: 'The relay could not look at what runs on the target, or has not come to it yet.',
    todo: 'Wait a minute; if it stays, see `journalctl -u writ-relay` on the host.',
  },
  target_state_malformed: {
    title: 'Writ’s state on the target unreadable',
    meaning: 'The target’s own record of what runs there cannot be read. Nothing was changed.',
    todo: 'See /var/lib/writ-target on the target: it was damaged, or a newer version wrote it.',
  },
  podman_missing: {
    title: 'No Podman on the target',
    meaning: 'The target has no Podman that makes services of unit files. Nothing was changed.',
    todo: 'Install Podman there.',
  },

  // The activation
  unit_invalid: {
    title: 'Unit file refused by Podman',
    meaning: 'The target’s own Podman cannot read the unit files as they would be. Nothing was changed.',
    todo: `${seeLog} Mend the unit.`,
  },
  units_broken: {
    title: 'Other unit files are broken',
    meaning:
      'Unit files on the target that are no part of the release cannot be read by Podman, which would take all units away with them. Nothing was changed.',
    todo: `${seeLog} Mend or remove those files on the target.`,
  },
  check_failed: {
    title: 'Program refuses its files',
    meaning:
      'The program that files of the release are for says that it cannot use them. Nothing was changed.',
    todo: `${seeLog} Mend the files.`,
  },
  image_missing: {
    title: 'Image does not exist',
    meaning: 'A registry has no such image, or nobody made the local one. Nothing was changed.',
    todo: `${seeLog} Correct the image’s name, or make it on the target.`,
  },
  image_unreachable: {
    title: 'Registry did not answer',
    meaning: 'An image could not be fetched. Nothing was changed.',
    todo: 'Check the target’s way to the registry, and deploy anew.',
  },
  service_failed: {
    title: 'Service did not come up',
    meaning: `A service failed or did not start within its app’s time. ${putBack}`,
    todo: seeService,
  },
  service_flaps: {
    title: 'Service comes and goes',
    meaning: `A service started and ended again more than once. ${putBack}`,
    todo: seeService,
  },
  container_unhealthy: {
    title: 'Container is not healthy',
    meaning: `A container’s own health check did not succeed within its app’s time. ${putBack}`,
    todo: seeService,
  },
  probe_failed: {
    title: 'App does not answer as it should',
    meaning: `The app’s health probe had no answer, or another one, within its time. ${putBack}`,
    todo: seeService,
  },
  network_in_use: {
    title: 'Network is in use',
    meaning: `A network is to be made anew, and a container that Writ does not know uses it. ${putBack}`,
    todo: 'Stop that container, and deploy anew.',
  },
  start_timeout: {
    title: 'Service took too long to start',
    meaning: `A service did not say in its time that it is up. ${putBack}`,
    todo: seeService,
  },
  reload_failed: {
    title: 'Service could not use its new files',
    meaning: `A service took its new configuration and then said that it cannot use it. ${putBack}`,
    todo: seeService,
  },
  port_taken: {
    title: 'Port is taken',
    meaning: `Another program of the target listens at a port that a service wants. ${putBack}`,
    todo: `${seeLog} Stop that program, or give the app another port.`,
  },
  activation_timeout: {
    title: 'Activation took too long',
    meaning: `The new generation was not up after twenty minutes. ${putBack}`,
    todo: seeService,
  },
  cut_off: {
    title: 'The change cut the host off',
    meaning: `After the change the relay did not reach the control plane by a way that worked before it, for a minute; or it ended before it could tell. ${putBack}`,
    todo: 'See what the release changes on the way: proxy, DNS, tailnet policy, firewall. It may be deployed again as it is.',
  },
  activation_undone: {
    title: 'Activation was interrupted',
    meaning: `The relay or its host ended while the release was applied. ${putBack}`,
    todo: 'Deploy anew.',
  },
  revert_failed: {
    title: 'Could not be put back',
    meaning:
      'The release failed, and bringing back what ran before failed, too. The target may run a part of each. The relay tries again by itself.',
    todo: `${seeLog} Look at the target.`,
  },
} as const satisfies { readonly [code: string]: CodeCard };
