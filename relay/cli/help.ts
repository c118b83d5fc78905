export const helpText = `writ-relay: the agent on a host. Does what the owner's trust document allows, and nothing else.

Usage:
  writ-relay setup CODE              enrol this host, give it what it needs of Proxmox VE, start the service
  writ-relay setup                   the same on a host that is enrolled, after a failure or a change of the house
  writ-relay setup-proxmox           make the user, roles and token that the relay needs of Proxmox VE
  writ-relay enroll CODE [options]   enrol this host with a code from \`writ relays add\`
  writ-relay doctor                  look at this host, and say how to mend what is wrong
  writ-relay run                     poll for signed orders until stopped
  writ-relay trust show              show the trust document that this host obeys
  writ-relay trust install FILE      put a newer trust document into force by hand
  writ-relay trust seed DIGEST       let the helper as root obey the trust document with this digest
  writ-relay clock accept            take the clock as right after it was once ahead
  writ-relay help

Options:
  --state DIR       the folder of key, journal and trust
                    (default: $WRIT_RELAY_STATE, then /var/lib/writ-relay)
  --json            one JSON object a line
  --help, --version

Options of setup and enroll:
  --again                       begin anew on a host that is enrolled already

Options of setup-proxmox:
  --dry-run                     show what would be done, and do nothing

Options of enroll:
  --proxmox URL                 this host's Proxmox VE, such as https://127.0.0.1:8006
  --proxmox-node NAME           its name in Proxmox VE
  --proxmox-token-file FILE     a file (mode 600) with USER@REALM!TOKENID=SECRET
  --proxmox-fingerprint PIN     sha256:<64 hex>, or AA:BB:… as Proxmox VE shows it
  --proxmox-spki PIN            the same of its public key, which survives renewals
  --trial                       a simulated host, whose boots may be simulated too

Exit codes: 0 done, 1 refused or failed, 2 called wrongly, 3 must not start as things are.

Examples:
  writ-relay enroll writ-enrol.eyJ…
  echo "$CODE" | writ-relay enroll -
  writ-relay enroll writ-enrol.eyJ… --proxmox https://127.0.0.1:8006 --proxmox-node pve2 \\
    --proxmox-token-file /etc/writ/credentials/proxmox --proxmox-fingerprint 3A:90:…
  writ-relay run --json
  writ-relay trust install trust.jws
`;
