/**
 * A repo of many apps, by path: each with a unit, a volume, a rendered file, a plain one, a route and a use; and on each
 * guest a proxy and its networks, on a public machine HAProxy, on the router DNS.
 */
export function repoOfApps(count: number): Map<string, string> {
  const perGuest = 25;
  const guests = Array.from({ length: Math.ceil(count / perGuest) }, (_, index) => `guest${index}`);
  const files = new Map<string, string>();
  const address = (index: number, last: number): string =>
    `10.${20 + Math.floor(index / 200)}.${index % 200}.${last}`;
  files.set(
    'homelab.yaml',
    [
      'v: 1',
      'site: { domain: example.net }',
      'networks:',
      '  home: { subnet: 10.0.0.0/8 }',
      'hosts:',
      '  pve1: { network: home, address: 10.0.0.2 }',
      '  cloud: { proxmox: false, tailnet: 100.64.0.1 }',
      'guests:',
      ...guests.map(
        (name, index) =>
          `  ${name}: { host: pve1, vmid: ${200 + index}, network: home, address: ${address(index, 10)}, containers: { network: ${name}, subnet: 10.${100 + Math.floor(index / 200)}.${index % 200}.0/24 } }`,
      ),
      'access:',
      '  admins: { groups: admins }',
      '  family: { groups: [family, admins], policy: one_factor }',
      'generators:',
      '  traefik:',
      '    options:',
      '      resolvers: { dns: { acme: { email: me@example.net, storage: /acme.json, dnsChallenge: { provider: none } } } }',
      '      forward_auth: { address: https://auth.example.net/api/authz/forward-auth }',
      '',
    ].join('\n'),
  );
  files.set('vars.yaml', 'colour: blue\n');
  files.set(
    'apps/traefik/app.yaml',
    [
      `on: [${guests.join(', ')}]`,
      'units: [traefik.container]',
      'files:',
      '  - { generate: traefik/static, to: /etc/opt/traefik/traefik.yml }',
      '  - { generate: traefik/dynamic, to: /etc/opt/traefik/dynamic/writ.yml, on_change: none }',
      '  - { generate: podman/networks, to: /etc/containers/systemd/ }',
      '',
    ].join('\n'),
  );
  files.set('apps/traefik/traefik.container', '[Container]\nImage=docker.io/library/traefik:3.5.0\n');
  files.set(
    'apps/edge/app.yaml',
    [
      'on: cloud',
      'service: haproxy.service',
      'files:',
      '  - { generate: haproxy/config, to: /etc/haproxy/haproxy.cfg, on_change: reload }',
      '  - { generate: haproxy/names, to: /etc/haproxy/names.map, on_change: reload }',
      '  - { generate: unbound/zone, to: /etc/unbound/unbound.conf.d/home.conf, on_change: none }',
      '',
    ].join('\n'),
  );
  for (let index = 0; index < count; index += 1) {
    const name = `app${index}`;
    const guest = guests[Math.floor(index / perGuest)]!;
    const port = 3000 + (index % perGuest);
    const before = index % perGuest === 0 ? '[]' : `[app${index - 1}]`;
    files.set(
      `apps/${name}/app.yaml`,
      [
        `title: The app ${index}`,
        `on: ${guest}`,
        `units: [${name}.container, ${name}data.volume]`,
        'files:',
        `  - { from: ${name}.ini.j2, to: /etc/opt/${name}/${name}.ini }`,
        `  - { from: plain.txt, to: /etc/opt/${name}/plain.txt, on_change: reload }`,
        `route: { host: ${name}, port: ${port}, access: ${index % 2 === 0 ? 'admins' : 'family'}, public: ${index % 3 === 0} }`,
        'health: { path: /health }',
        `uses: ${before}`,
        '',
      ].join('\n'),
    );
    files.set(
      `apps/${name}/${name}.container`,
      [
        '[Unit]',
        `Description=The app ${index}`,
        '',
        '[Container]',
        `Image=docker.io/library/app:1.${index}`,
        `ContainerName=${name}`,
        `Volume=${name}data.volume:/data`,
        `Volume=/etc/opt/${name}/${name}.ini:/app.ini:ro`,
        'Environment=TZ=UTC MODE=plain',
        '',
        '[Service]',
        'Restart=always',
        '',
        '[Install]',
        'WantedBy=multi-user.target',
        '',
      ].join('\n'),
    );
    files.set(`apps/${name}/${name}data.volume`, '[Volume]\n');
    files.set(
      `apps/${name}/${name}.ini.j2`,
      [
        `[server]`,
        `name = {{ app.title | upper }}`,
        'address = {{ target.address }}',
        'colour = {{ colour }}',
        'routes = {{ home.routes | length }} at {{ home.guests[target.name].address }}',
        '{% for use in app.file.uses %}uses = {{ use }}{% endfor %}',
      ].join('\n'),
    );
    files.set(`apps/${name}/plain.txt`, `plain ${index}\n`.repeat(40));
  }
  return files;
}
