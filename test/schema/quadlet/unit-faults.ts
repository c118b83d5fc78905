// biome-ignore-all lint/suspicious/noTemplateCurlyInString: units have variables of this form
import { box, type Fault } from './fault.ts';

const one = (name: string, lines: readonly string[], ...expected: string[]): Fault => ({
  name,
  files: { 'a.container': box(...lines) },
  expected: expected.map((text) => `a.container:${text}`),
});

/** What is wrong with one unit by itself. */
export const unitFaults: readonly Fault[] = [
  one('an unknown key', ['Imagge=x'], '3:1 !unknown_key Did you mean Image?'),
  one('a key of another section', ['Restart=always'], '3:1 !unknown_key It belongs into [Service].'),
  one(
    'a key that came later',
    ['Memory=1g'],
    '3:1 !key_too_new Leave it out, or say its option in PodmanArgs.',
  ),
  one(
    'a key of nobody in [Service]',
    ['[Service]', 'Restrat=always'],
    '4:1 ?unknown_key Did you mean Restart?',
  ),
  one(
    'a key of Podman in [Unit]',
    ['[Unit]', 'Volume=/a:/b'],
    '4:1 ?unknown_key It belongs into [Container].',
  ),
  one('a section of nobody', ['[Sevice]', 'Restart=always'], '4:1 ?unknown_section Did you mean Service?'),
  one(
    'a user of the podman command',
    ['[Service]', 'User=me'],
    '4:1 ?service_user Say User in the section of the container.',
  ),
  one('a bad yes or no', ['ReadOnly=ture'], '3:10 !bad_value'),
  one('a bad time', ['HealthCmd=x', 'HealthInterval=30'], '4:16 !bad_value'),
  one('a bad size', ['ShmSize=big'], '3:9 !bad_value'),
  one('a bad policy', ['AutoUpdate=yes'], '3:12 !bad_value'),
  one('a bad container name', ['ContainerName=my app'], '3:15 !bad_name'),
  one('a port too high', ['PublishPort=80800:80'], '3:13 !bad_port'),
  one('a port without a number', ['PublishPort=http:80'], '3:13 !bad_port'),
  one('a range of another length', ['PublishPort=8000-8002:80-81'], '3:13 !bad_port'),
  one('an address that is none', ['PublishPort=192.168.1.300:80:80'], '3:13 !bad_port'),
  one('two ports in one line', ['PublishPort=80:80 443:443'], '3:13 !bad_port'),
  one('an exposed port that the generator takes', ['ExposeHostPort=x80'], '3:16 !bad_port'),
  one('a relative target', ['Volume=/srv/a:a'], '3:15 !bad_path'),
  one('a volume without a target', ['Volume=data'], '3:8 !bad_path Write data:/path.'),
  one(
    'a relative source',
    ['Volume=conf/a:/a'],
    '3:8 !bad_path For a folder beside the unit write ./conf/a.',
  ),
  one('a home that nobody expands', ['Volume=~/a:/a'], '3:8 !bad_path Write %h.'),
  one('an option of no volume', ['Volume=/a:/a:or'], '3:8 !bad_value'),
  one(
    'a relative source of a mount',
    ['Mount=type=bind,source=a,target=/a'],
    '3:7 !bad_path For a folder beside the unit write ./a.',
  ),
  one('a relative working folder', ['WorkingDir=srv'], '3:12 !bad_path'),
  one(
    'a mount without a type',
    ['Mount=source=/a,target=/a'],
    '3:7 !bad_mount Write type=bind,source=…,target=… without spaces, or quote the whole of it.',
  ),
  one('a mount without a target', ['Mount=type=tmpfs'], '3:7 !bad_mount'),
  one(
    'a mount without a source, over which the generator breaks down',
    ['Mount=type=bind,target=/x'],
    '3:7 !mount_without_source Name a source, or use Volume=/path for an unnamed volume.',
  ),
  one(
    'an escape that Podman does not know',
    ['Environment=A="\\d+" B=2'],
    '3:16 !bad_escape Write the backslash twice.',
  ),
  one('an open quote', ['Environment="A=1'], '3:13 ?bad_quote'),
  one('an open quote in a list', ['AddCapability="NET_ADMIN'], '3:15 !bad_quote'),
  one('an empty word that ends the line', ['Exec=run "" --more'], '3:10 !word_dropped'),
  one(
    'a value with spaces, unquoted',
    ['Environment=NAME=two words'],
    '3:22 !word_dropped Quote the whole assignment when its value has spaces.',
  ),
  one(
    'variables that systemd takes for its own',
    [
      'Exec=sh -c "echo ${NAME} $NAME $${NAME}" $ARGS $$REST ${HOME}',
      'Environment=NAME=x URL=http://${HOST}/',
    ],
    '3:18 ?variable_unset Write $${NAME} for the container to see it.',
    '3:42 ?variable_unset Write $$ARGS for the container to see it.',
    '3:55 ?variable_unset Write $${HOME} for the container to see it.',
    '4:31 ?variable_unset Write $${HOST} for the container to see it.',
  ),
  one(
    'two flags in one argument',
    ['PodmanArgs="--cpus=2 --memory=1g"'],
    '3:12 ?two_flags Take the quotes away, or put = between a flag and its value.',
  ),
  one(
    'a flag and its value in one argument',
    ['PodmanArgs="--cpus 2"'],
    '3:12 ?two_flags Take the quotes away, or put = between a flag and its value.',
  ),
  one(
    'a blank line within a value',
    ['Exec=a \\', '', 'Label=x=y'],
    '4:1 ?blank_in_value Take the backslash off the last line of the value.',
  ),
  one(
    'a value without an end',
    ['Exec=a \\', '# the end'],
    '3:1 !open_end Take the backslash off its last line.',
  ),
  one('a control character', ['Exec=a\x07b'], '3:7 !control_character'),
  one('a line of nothing', ['Exec'], '3:1 !not_understood'),
  one('needs of health', ['Notify=healthy'], '3:8 ?key_missing'),
  one('a group without a user', ['Group=5'], '3:7 !key_missing'),
  one('an image and a root', ['Rootfs=/x'], '3:8 !keys_clash'),
  one(
    'ports beside the network of the machine',
    ['Network=host', 'PublishPort=80:80'],
    '4:13 ?port_unpublished',
  ),
  one(
    'an address for several networks',
    ['Network=podman', 'Network=podman', 'IP=10.88.0.5'],
    '5:4 !bad_network Say it with its network: Network=x.network:ip=10.88.0.5.',
  ),
  one('an address that is none', ['DNS=dns.home.arpa'], '3:5 !bad_address'),
  one(
    'a secret that nobody declares',
    ['Secret=knwon,type=env'],
    '3:8 !secret_undeclared Did you mean known?',
  ),
  one('a network that nobody makes', ['Network=hoem'], '3:9 ?unknown_network'),
  one('a file that is not there', ['Volume=data.volume:/data'], '3:8 !unknown_unit'),
  one('a pod that is no file', ['Pod=web'], '3:5 !unknown_unit'),
  one('two mounts at one path', ['Volume=/a:/x', 'Tmpfs=/x/'], '4:7 !target_twice'),
  one('an option of no secret', ['Secret=known,as=X'], '3:8 !bad_value'),
  one('a limit of nobody', ['Ulimit=files=10'], '3:8 !bad_value'),
  one('an alias without a network for it', ['Network=host', 'NetworkAlias=a'], '4:14 !bad_network'),
  one('the network of the machine beside another', ['Network=host', 'Network=podman'], '3:9 !bad_network'),
  {
    name: 'what only the pod can say',
    files: {
      'p.pod': '[Pod]\n',
      'a.container': box('Pod=p.pod', 'PublishPort=80:80', 'HostName=a', 'UserNS=auto'),
    },
    expected: [
      'a.container:4:13 !in_pod Say it in p.pod.',
      'a.container:5:10 !in_pod Say it in p.pod.',
      'a.container:6:8 !in_pod Say it in p.pod.',
    ],
  },
  {
    name: 'no section at all',
    files: { 'a.container': '[container]\nImage=x\n' },
    expected: [
      'a.container:2:1 ?unknown_section Did you mean Container?',
      'a.container:1:1 !key_missing There is no section [Container]. Did you mean container?',
    ],
  },
  {
    name: 'a byte order mark',
    files: { 'a.volume': '\ufeff[Volume]\n' },
    expected: ['a.volume:1:1 !not_understood Save the file without a byte order mark.'],
  },
  {
    name: 'images that auto-update cannot follow',
    files: {
      'a.container': '[Container]\nImage=grafana/grafana:11\nAutoUpdate=registry\n',
      'b.container': '[Container]\nImage=docker.io/grafana/grafana\nAutoUpdate=registry\n',
      'c.container': '[Container]\nImage=localhost/tool:1\nAutoUpdate=registry\n',
      'd.container': `[Container]\nImage=docker.io/x/y@sha256:${'0'.repeat(64)}\nAutoUpdate=registry\n`,
      'e.container': '[Container]\nImage=docker.io/Grafana/grafana:11\n',
      'f.container': '[Container]\nImage=registry.example.net:5000/x/y:1\nAutoUpdate=registry\n',
    },
    expected: [
      'a.container:2:7 !image_short Write the registry, such as docker.io/grafana/grafana:11.',
      "b.container:2:7 !image_untagged Write the tag: docker.io/grafana/grafana:latest, or a version's.",
      'c.container:2:7 ?image_local_updated Say AutoUpdate=local.',
      'd.container:2:7 ?image_digest_updated',
      'e.container:2:7 !bad_image',
    ],
  },
];
