/** A template of a role, the file of the repo that it becomes, and what is written otherwise in it. */
export type MovedTemplate = {
  readonly from: string;
  readonly to: string;
  readonly edits: readonly (readonly [old: string, made: string])[];
};

const template = (from: string, to: string, ...edits: [old: string, made: string][]): MovedTemplate => ({
  from: `roles/${from}`,
  to: `apps/${to}`,
  edits,
});

const address: [string, string] = ['hostvars[host].ansible_host', 'home.guests[host].address'];
const secret = (name: string): [string, string] => [
  `secrets.${name}`,
  `secret('${name.replaceAll('.', '_')}')`,
];

/** Every template of the repo but those of unit files, which are taken as they are on the machine. */
export const movedTemplates: readonly MovedTemplate[] = [
  template('traefik/templates/traefik.yml.j2', 'traefik/config/traefik.yml.j2'),
  template(
    'traefik/templates/routers.yml.j2',
    'traefik/config/dynamic/routers.yml.j2',
    ["{% set web = services | dict2items | selectattr('value.web', 'defined') | list %}\n", ''],
    ['for item in web', 'for name, service in services.items() if service.web is defined'],
    ['item.key', 'name'],
    ['item.value', 'service'],
  ),
  template('gatus/templates/config.yaml.j2', 'gatus/config.yaml.j2', secret('ntfy_token')),
  template(
    'grafana/templates/grafana.ini.j2',
    'grafana/grafana.ini.j2',
    secret('grafana.admin_password'),
    secret('grafana.oidc_secret'),
  ),
  template('grafana/templates/prometheus.yml.j2', 'grafana/prometheus.yml.j2', [
    'inventory_hostname',
    'target.name',
  ]),
  template('homer/templates/config.yml.j2', 'homer/config.yml.j2'),
  template('unbound/templates/local.conf.j2', 'unbound/local.conf.j2', address, [
    "hostvars['websvcs'].ansible_host",
    'home.guests.websvcs.address',
  ]),
  template('haproxy/templates/haproxy.cfg.j2', 'haproxy/haproxy.cfg.j2', address),
  template('metrics/templates/prometheus.yml.j2', 'prometheus/config/prometheus.yml.j2', address, [
    'if not loop.last }}',
    "if not loop.last else '' }}",
  ]),
  template('metrics/templates/rules.yml.j2', 'prometheus/config/rules/rules.yml.j2'),
  template('metrics/templates/alertmanager.yml.j2', 'alertmanager/alertmanager.yml.j2', [
    "(checks | length > 0) | ternary('phone', 'none')",
    "'phone' if checks | length > 0 else 'none'",
  ]),
  template('miniflux/templates/miniflux.env.j2', 'miniflux/miniflux.env.j2', secret('miniflux.db_password')),
];

/** What was in group_vars, and what Ansible itself says to templates. */
export const moreVars = 'ansible_managed: Ansible managed\ngroups: { guests: [websvcs, secsvcs] }\n';

/** Files with secrets, which nobody adopts: written into their apps by hand. */
export const secretFiles: Readonly<Record<string, string>> = {
  gatus: `files:
  - { from: config.yaml.j2, to: /etc/opt/gatus/config.yaml }
secrets: [ntfy_token]
`,
  grafana: `  - { from: grafana.ini.j2, to: /etc/opt/grafana/grafana.ini }
secrets: [grafana_admin_password, grafana_oidc_secret]
`,
  miniflux: `files:
  - { from: miniflux.env.j2, to: /etc/opt/miniflux/miniflux.env, mode: "0600" }
secrets: [miniflux_db_password]
`,
  restic: `files:
  - { from: pass.j2, to: /etc/restic/pass, mode: "0600" }
secrets: [restic_repository_password]
`,
};
