import type { CodeCard } from './code-card.ts';

const askProxmox = 'See `journalctl -u writ-relay` and the Proxmox VE server on that host.';

/** Codes of receipts about acting: what a guest, a host or its Proxmox VE stood in the way with. */
export const actingCodes = {
  // The guest
  guest_missing: {
    title: 'No guest has this VMID',
    meaning: 'Proxmox VE knows no guest of this VMID and kind. Nothing was done.',
    todo: 'Correct its VMID in the house file, or take it out.',
  },
  guest_not_running: {
    title: 'Guest is off',
    meaning: 'The action needs a running guest. Nothing was done.',
    todo: 'Start it: `writ start`.',
  },
  guest_already_running: {
    title: 'Guest runs already',
    meaning: 'Proxmox VE said that it runs, and then it could not be seen running.',
    todo: 'Look at it in Proxmox VE, and order again.',
  },
  guest_paused: {
    title: 'Guest is suspended',
    meaning:
      'A suspended guest hears nothing, so it can be neither started nor shut down. It was left alone.',
    todo: 'Resume it first: `writ resume`.',
  },
  guest_locked: {
    title: 'Guest is locked',
    meaning: 'A backup, a snapshot or a migration holds the guest. Nothing was done.',
    todo: 'Wait until that has ended, and order again.',
  },
  guest_config_locked: {
    title: 'Guest’s configuration is busy',
    meaning: 'Another task held the guest’s configuration for longer than Proxmox VE waits.',
    todo: 'See the running tasks in Proxmox VE, and order again.',
  },
  guest_did_not_return: {
    title: 'Guest did not come back',
    meaning: 'It shut down for its reboot and was not running again a minute later.',
    todo: 'Look at it in Proxmox VE; start it.',
  },
  guest_did_not_pause: {
    title: 'Guest was not suspended',
    meaning: 'Proxmox VE took the order, and the guest still runs.',
    todo: 'Look at it in Proxmox VE.',
  },
  guest_did_not_resume: {
    title: 'Guest was not resumed',
    meaning: 'Proxmox VE took the order, and the guest is still suspended.',
    todo: 'Look at it in Proxmox VE.',
  },
  not_for_containers: {
    title: 'Containers cannot be suspended',
    meaning: 'Only a VM can be paused in memory. Nothing was done.',
    todo: 'Shut the container down instead.',
  },
  agent_not_configured: {
    title: 'Guest agent is switched off',
    meaning: 'The guest runs, but its configuration has no guest agent, though the house file expects one.',
    todo: 'Switch the agent on in Proxmox VE, or say `agent: false` in the house file.',
  },
  agent_error: {
    title: 'Guest agent reports an error',
    meaning: 'The agent in the guest answered with an error.',
    todo: 'See the agent’s log in the guest.',
  },
  guest_by_hand: {
    title: 'Containers are prepared by hand',
    meaning: 'What a container (LXC) lacks for releases no relay installs. Nothing was done.',
    todo: 'On its host: `pct exec VMID -- apt-get install --no-install-recommends podman aardvark-dns catatonit age`.',
  },
  guest_not_debian: {
    title: 'Guest is no Debian',
    meaning:
      'Releases are made for Debian, and the guest says that it is something else. Nothing was installed.',
    todo: 'Take a guest with Debian 13 or newer.',
  },
  guest_too_old: {
    title: 'Guest’s programs are too old',
    meaning: 'Its Debian is older than 13, or has a Podman before 5.0 or no systemd. Nothing was installed.',
    todo: 'Upgrade the guest to Debian 13; take away a Podman that was put there by other ways.',
  },
  guest_disk_full: {
    title: 'Guest’s disk is full',
    meaning: 'There is no room in the guest for the packages. What apt had begun it ends at the next try.',
    todo: 'Make room there, and order it again.',
  },
  apt_no_network: {
    title: 'Guest reaches no package server',
    meaning: 'apt in the guest could not fetch lists or packages. Nothing, or not all, was installed.',
    todo: 'Check the guest’s network, its DNS and its sources of packages, and order it again.',
  },
  apt_locked: {
    title: 'Another program installs packages',
    meaning:
      'apt was locked in the guest for two minutes, such as by its own upgrades. Nothing was installed.',
    todo: 'Wait until that has ended, and order it again.',
  },
  apt_package_unknown: {
    title: 'Guest’s sources lack a package',
    meaning: 'apt in the guest knows no package of that name. Nothing was installed.',
    todo: 'Add Debian’s own sources (main) of its release, and order it again.',
  },
  apt_would_remove: {
    title: 'Packages would have to go',
    meaning: 'What is missing does not go together with packages that the guest has. Nothing was changed.',
    todo: 'Look in the guest: `apt-get install --no-install-recommends` of the packages says which.',
  },
  apt_failed: {
    title: 'Packages could not be installed',
    meaning:
      'apt in the guest failed, or something is still missing after it. The relay’s log has its last words.',
    todo: 'See `journalctl -u writ-relay` on the host; mend it in the guest, and order it again.',
  },
  device_in_use: {
    title: 'A passed-through device is taken',
    meaning: 'Another guest holds a device that this one needs. It was not started.',
    todo: 'Shut that guest down; name the device as `exclusive` in the house file, so that this is seen before.',
  },

  // The host
  wake_unknown: {
    title: 'Nothing known to wake it by',
    meaning: 'The trust document has no MAC or no address for its magic packet. Nothing was sent.',
    todo: 'Complete the host in the house file, and sign a new trust version.',
  },
  wake_not_sent: {
    title: 'Magic packet could not be sent',
    meaning: 'Not one packet left the waking host.',
    todo: 'Check the network of the waking host, and `wake_address` in the house file.',
  },
  strangers_run: {
    title: 'Guests run that are not of the house',
    meaning:
      'Guests run on the host that the trust document does not name, or that took the VMID of one it names. The host was left on.',
    todo: 'Adopt them in the house file, or shut them down yourself in Proxmox VE.',
  },
  host_still_on: {
    title: 'Host is still on',
    meaning: 'Proxmox VE took the order to go down, and ten minutes later the host still ran.',
    todo: 'Look at the host’s console.',
  },

  // Its Proxmox VE
  proxmox_not_configured: {
    title: 'Relay knows no Proxmox',
    meaning: 'The relay of this host was enrolled without Proxmox VE. Nothing was done.',
    todo: 'Enrol it again with the options of Proxmox.',
  },
  proxmox_unreachable: {
    title: 'Proxmox did not answer',
    meaning: 'The relay could not reach Proxmox VE on its host.',
    todo: askProxmox,
  },
  proxmox_timeout: {
    title: 'Proxmox took too long',
    meaning: 'Proxmox VE did not answer, or its task did not end, in time.',
    todo: 'See the running tasks in Proxmox VE.',
  },
  proxmox_certificate_changed: {
    title: 'Proxmox shows another certificate',
    meaning:
      'It is not the certificate that the relay was enrolled with, so nothing was sent, not even the token.',
    todo: 'If you renewed it, enrol the relay again with its new fingerprint. Otherwise find out who answers there.',
  },
  proxmox_tls: {
    title: 'No TLS with Proxmox',
    meaning: 'An encrypted connection to Proxmox VE could not be made.',
    todo: askProxmox,
  },
  proxmox_unauthorized: {
    title: 'Proxmox does not know the token',
    meaning: 'Proxmox VE refused the relay’s token. Nothing was done.',
    todo: 'Make a new token and put it into the token’s file on that host.',
  },
  proxmox_forbidden: {
    title: 'Token lacks a privilege',
    meaning: 'Proxmox VE does not let the relay’s token do this.',
    todo: 'Give the token the privilege that the relay’s log names.',
  },
  proxmox_busy: {
    title: 'Proxmox could not start a task',
    meaning: 'Proxmox VE had no worker for the task, also after some attempts.',
    todo: 'Wait a little, and order again.',
  },
  proxmox_task_failed: {
    title: 'Task failed in Proxmox',
    meaning: 'Proxmox VE ended the task with an error.',
    todo: 'See the task’s log in Proxmox VE.',
  },
  proxmox_bad_parameter: {
    title: 'Proxmox refused a parameter',
    meaning: 'Proxmox VE did not take what the relay asked. Its version may be one that Writ does not know.',
    todo: askProxmox,
  },
  proxmox_bad_answer: {
    title: 'Answer of Proxmox not understood',
    meaning: 'What came back is not what Proxmox VE says, so nothing was concluded from it.',
    todo: askProxmox,
  },
  proxmox_proxy_error: {
    title: 'Proxmox could not reach its node',
    meaning: 'A connection between the parts of Proxmox VE failed, or timed out.',
    todo: askProxmox,
  },
  proxmox_error: {
    title: 'Proxmox reports an error',
    meaning: 'Proxmox VE answered with an error that has no code of its own here.',
    todo: askProxmox,
  },

  // The relay
  precheck_timeout: {
    title: 'Relay could not look in time',
    meaning:
      'What must be known before the step begins could not be found out within half a minute. It was not run.',
    todo: askProxmox,
  },
  deadline_passed: {
    title: 'Step did not end in time',
    meaning: 'The step ran for longer than its intent lives, and what came of it is not known.',
    todo: 'Look at the target, and order again if needed.',
  },
  relay_fault: {
    title: 'Fault in the relay',
    meaning: 'The relay ran into a mistake of its own. What came of the step is not known.',
    todo: 'See `journalctl -u writ-relay`, and report it.',
  },
} as const satisfies { readonly [code: string]: CodeCard };
