import type { Tree } from '../repo-fixture.ts';
import { homelab, service } from './target-home.ts';

/** A web page in a container, and two services of systemd's own. */
export const agentHome: Tree = {
  'homelab.yaml': homelab,
  'apps/web/app.yaml': [
    'on: websvcs',
    'units: [web.container]',
    'files: [{ from: index.html, to: /etc/opt/web/index.html }]',
    'health: { path: /, port: 8080, within: 60s }',
    '',
  ].join('\n'),
  'apps/web/web.container': [
    '[Container]',
    'Image=localhost/busy:1',
    'Volume=/etc/opt/web:/www:ro',
    'StopSignal=SIGKILL',
    'Exec=httpd -f -p 8080 -h /www',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n'),
  'apps/web/index.html': 'one\n',
  'apps/plain/app.yaml':
    'on: websvcs\nunits: [plain.service]\nfiles: [{ from: plain.conf, to: /etc/opt/plain.conf }]\n',
  'apps/plain/plain.service': service('exec sleep 100000'),
  'apps/plain/plain.conf': 'one\n',
  'apps/still/app.yaml': 'on: websvcs\nunits: [still.service]\n',
  'apps/still/still.service': service('exec sleep 100000'),
};
