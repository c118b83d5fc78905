/**
 * What a real homelab's repo needs to be able to say, as it was measured on one. Each has a test of its own in this
 * folder, titled by it.
 */
export const rows = {
  native:
    'native container keys passed through untouched; one network per guest, owned by the guest; static IPs; duplicate addresses found',
  model:
    'templates read the compiled model (addresses, hostnames by guest, health URLs, commands, proxy address)',
  files:
    'files by name, glob or directory, renamed, with mode, numeric or foreign owner (70, 472, 911, 1000, …), optional pruning of the folder',
  dirs: 'directories that no file fills',
  routes:
    'several routes an app: hosts, header and negated-path conditions, priority, access and middlewares per route, HTTPS or mTLS backend, TCP, built-in services',
  secrets: 'native Secret= references (all env; shared by apps, across guests)',
  volumes: 'named volumes; state under one folder',
  certs:
    'internal-CA certificates, server and client, with the chain, to given paths and owners; renewal restarts',
  order: 'start dependency, ordered stop',
  ports: 'published ports with allowed sources, compiled to firewall rules',
  oidc: 'OIDC client: id, secret and hash in two places; policy by group and network',
  postgres: 'database and role on a shared Postgres, also across guests, after first start',
  derived: 'derived secrets (bcrypt, pbkdf2, base64, composed URL)',
  builds: 'images built from pinned sources; floating tags reconciled with pinning',
  several: 'the same app on several guests, with values and variants',
  mounted:
    'configuration rendered with secrets at start; also when a directory is mounted: a symlink to tmpfs inside a directory mount is missing in the container, a file mount works',
  seeds: 'files that the app edits itself, or seeds inside a named volume',
  running: 'a list of running units, a chown, before start',
  devices:
    "devices, GPU options, host paths; exclusive hardware enforced inside VM start, also when started from Proxmox' own page",
  services:
    'native services: packages, apt sources, verified artifacts, system users, unit drop-ins, timers, reload after',
  captures: 'one-time setup whose output becomes a secret elsewhere',
  unmanaged: 'unmanaged devices (router, Windows guest, access point)',
} as const;

/** What of a row is said in the repo and in the release, and waits for what is planned to be acted on or made of it. */
export const waiting: Readonly<Partial<Record<keyof typeof rows, string>>> = {
  ports: 'firewall rules are made by the generator nftables; the release has the ports with their sources',
  oidc: "the sign-in's list of clients is made by the generator authelia; the release has the clients, and a template can list them",
  postgres: 'the SQL is made by the generator postgres; the release has databases and roles',
  captures: 'a runbook that captures is read and checked, and runs when commands in guests do',
};
