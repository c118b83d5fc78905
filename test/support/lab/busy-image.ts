const names = [
  'sh',
  'httpd',
  'sleep',
  'cat',
  'wget',
  'true',
  'false',
  'kill',
  'echo',
  'env',
  'rm',
  'test',
  'nc',
];

/** An image without a registry, `localhost/busy:1`: busybox, and its names for what the apps of tests need. */
export async function makeBusyImage(must: (argv: readonly string[]) => Promise<unknown>): Promise<void> {
  const script = [
    'cd /tmp; mkdir -p image/bin image/www image/tmp image/etc; cp /bin/busybox image/bin/busybox',
    'for name; do ln -sf busybox "image/bin/$name"; done',
    'tar -C image -cf image.tar .; podman import --quiet image.tar localhost/busy:1; rm -r image image.tar',
  ].join('; ');
  await must(['sh', '-ec', script, 'sh', ...names]);
}
