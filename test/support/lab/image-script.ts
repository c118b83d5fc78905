/** Programs of Debian's that several images have. */
export const nginxProgram = '/usr/sbin/nginx';
export const postgresFolder = '/usr/lib/postgresql/17';

/** As the image of nginx without root has it. */
export const nginx = (http: string): string => `pid /tmp/nginx.pid;
error_log stderr warn;
worker_processes 1;
events {}
http {
  access_log off;
${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path /tmp/${name};\n`).join('')}${http}}
`;

const busybox = [
  'sh',
  'cat',
  'tr',
  'mkdir',
  'chown',
  'chmod',
  'rm',
  'wget',
  'test',
  'echo',
  'sleep',
  'env',
  'id',
];
const users = [
  'root:x:0:0::/:/bin/sh',
  'postgres:x:70:70::/:/bin/sh',
  'nginx:x:101:101::/:/bin/sh',
  'nobody:x:65534:65534::/:/bin/sh',
];

/** What every image has beside its own files: all may be run. */
export const commonFiles: Readonly<Record<string, string>> = {
  '/etc/passwd': `${users.join('\n')}\n`,
  '/etc/group': 'root:x:0:\nnogroup:x:65534:\n',
  '/etc/nsswitch.conf': 'hosts: files dns\n',
};

/**
 * Run in Debian's root with a folder and paths: puts files and all that the loader of those that are programs asks for
 * into the folder, and busybox. Postgres does without its compiler, which is larger than all the rest.
 */
export const copyScript = `
target=$1; shift
mkdir -p "$target/bin" "$target/tmp" "$target/etc" "$target/run" "$target/var/log/nginx" "$target/var/lib/nginx"
chmod 1777 "$target/tmp"; ln -s ../run "$target/var/run"
for name in ${busybox.join(' ')}; do ln -s busybox "$target/bin/$name"; done
set -- /bin/busybox "$@"
for path; do
  [ -e "$path" ] || { echo "Debian has no $path" >&2; exit 1; }
  find "$path" -type f -o -type l
done | grep -Ev 'bitcode|llvmjit' > /tmp/files
grep -E '/s?bin/|\\.so$' /tmp/files | while read -r file; do ldd "$file" 2>/dev/null || true; done |
  sed -nE 's/.*(=> |^\\s)(\\/[^ ]+) \\(.*/\\2/p' | sort -u > /tmp/libraries
sed 's|^/||' /tmp/files /tmp/libraries | tar -C / -ch --hard-dereference -T - | tar -C "$target" -x
`;

/** Makes an image of a folder, to be run there with the folder: `localhost/NAME:1`. */
export function importScript(name: string, config: readonly string[]): string {
  const path = `ENV PATH=${postgresFolder}/bin:/usr/sbin:/usr/bin:/bin`;
  const changes = [...config, path].map((change) => `--change='${change}'`).join(' ');
  const podman = 'PODMAN_IGNORE_CGROUPSV1_WARNING=1 podman import --quiet';
  return `tar -C "$1" -c . | ${podman} ${changes} - localhost/${name}:1`;
}
