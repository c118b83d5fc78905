/** Unit files of one machine with what is wrong with them: `file:line:column`, `!` error or `?` warning, code, advice. */
export type Fault = {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly expected: readonly string[];
};

const image = 'Image=docker.io/library/busybox:1.37';
/** A container with these lines behind its image: the first is line 3. */
const box = (...lines: string[]): string =>
  `[Container]\n${image}\n${lines.map((line) => `${line}\n`).join('')}`;
const one = (name: string, lines: readonly string[], ...expected: string[]): Fault => ({
  name,
  files: { 'a.container': box(...lines) },
  expected: expected.map((text) => `a.container:${text}`),
});

export const faults: readonly Fault[] = [
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
  {
    name: 'subnets that cannot be, overlap or leave others out',
    files: {
      'a.network': '[Network]\nSubnet=10.0.0.0/33\n',
      'b.network': '[Network]\nSubnet=10.1.0.5/24\n',
      'c.network': '[Network]\nSubnet=10.2.0.0/24\nGateway=10.3.0.1\nIPRange=10.2.1.0/25\n',
      'd.network': '[Network]\nSubnet=10.2.0.128/25\n',
      'e.network': '[Network]\nSubnet=fd00:1::/64\nGateway=fd00:2::1\n',
      'f.network': '[Network]\nGateway=10.5.0.1\n',
    },
    expected: [
      'a.network:2:8 !bad_subnet',
      'b.network:2:8 ?bad_subnet',
      'f.network:2:9 !key_missing',
      'c.network:3:9 !address_outside',
      'c.network:4:9 !address_outside',
      'e.network:3:9 !address_outside',
      'd.network:2:8 !subnets_overlap',
    ],
  },
  {
    name: 'an address outside of its network, the gateway, and one twice',
    files: {
      'n.network': '[Network]\nSubnet=10.9.0.0/24\nGateway=10.9.0.1\n',
      'a.container': box('Network=n.network', 'IP=10.9.0.7'),
      'b.container': box('Network=n.network:ip=10.9.0.7,alias=b'),
      'c.container': box('Network=n.network', 'IP=10.8.0.7'),
      'd.container': box('Network=n.network', 'IP=10.9.0.1'),
      'e.container': box('Network=n.network', 'IP=10.9.0.8'),
    },
    expected: [
      'b.container:3:22 !address_twice',
      'c.container:4:4 !address_outside',
      'd.container:4:4 !address_twice',
    ],
  },
  {
    name: 'one port twice, also by all addresses, ranges and pods',
    files: {
      'a.container': box('PublishPort=8080:80'),
      'b.container': box('PublishPort=127.0.0.1:8080:80'),
      'c.container': box('PublishPort=8000-8100:8000-8100'),
      'd.container': box('PublishPort=8080:80/udp', 'PublishPort=80'),
      'e.pod': '[Pod]\nPublishPort=8090:90\n',
      'f.container': box('PublishPort=127.0.0.1:9000:1'),
      'g.container': box('PublishPort=127.0.0.2:9000:1'),
    },
    expected: ['b.container:3:13 !port_twice', 'c.container:3:13 !port_twice', 'e.pod:2:13 !port_twice'],
  },
  {
    name: 'one name twice',
    files: {
      'a.container': box('ContainerName=same'),
      'b.container': box('ContainerName=same'),
      'c.pod': '[Pod]\nPodName=same\n',
      'd.volume': '[Volume]\nVolumeName=same\n',
      'e.volume': '[Volume]\nVolumeName=same\n',
      'f.kube': '[Kube]\nYaml=/f.yaml\n',
      'f.service': '[Service]\nExecStart=/bin/true\n',
      'g.network': '[Network]\nNetworkName=systemd-h\n',
      'h.network': '[Network]\n',
    },
    expected: [
      'e.volume:2:12 !name_twice',
      'h.network:1:1 !name_twice',
      'b.container:3:15 !name_twice',
      'c.pod:2:9 !name_twice',
      'f.service:1:1 !name_twice',
    ],
  },
  {
    name: 'one file twice, and units in folders',
    files: {
      'a.volume': '[Volume]\n',
      'sub/a.volume': '[Volume]\n',
      'sub/x.timer': '[Timer]\nOnCalendar=daily\n',
    },
    expected: ['sub/a.volume:1:1 !unit_twice', 'sub/x.timer:1:1 !unit_in_folder'],
  },
  {
    name: 'names that almost are',
    files: {
      'data.volume': '[Volume]\n',
      'home.network': '[Network]\n',
      'web.pod': '[Pod]\n',
      'a.container': box(
        'Volume=dta.volume:/a',
        'Volume=data:/b',
        'Network=home',
        'Network=hme.network',
        'Pod=wb.pod',
      ),
    },
    expected: [
      'a.container:6:9 !unknown_unit Did you mean home.network?',
      'a.container:3:8 !unknown_unit Did you mean data.volume?',
      'a.container:7:5 !unknown_unit Did you mean web.pod?',
      'a.container:5:9 ?in_pod Say it in wb.pod.',
      'a.container:5:9 ?unknown_network Write Network=home.network.',
      'a.container:4:8 ?unknown_volume Write data.volume.',
    ],
  },
  {
    name: 'units that wait for each other',
    files: {
      'a.container': `[Unit]\nAfter=b.service\n${box()}`,
      'b.container': `[Unit]\nBefore=c.service\n${box('Volume=v.volume:/v')}`,
      'c.service': '[Unit]\nBefore=b.service\n[Service]\nExecStart=/bin/true\n',
      'v.volume': '[Unit]\nAfter=a.service\n[Volume]\n',
    },
    expected: [
      'v.volume:1:1 !dependency_cycle Take one of the dependencies away.',
      'b.container:1:1 !dependency_cycle Take one of the dependencies away.',
    ],
  },
  {
    name: 'a dependency that 5.4 does not translate',
    files: { 'a.container': `[Unit]\nAfter=b.volume c.volume\n${box()}`, 'b.volume': '[Volume]\n' },
    expected: [
      'a.container:2:7 !dependency_untranslated Write b-volume.service.',
      'a.container:2:16 !unknown_unit',
    ],
  },
  {
    name: 'names that Podman cannot tell',
    files: {
      'a.container': box('ContainerName=%p'),
      'b.container': box('Network=a.container'),
      'c.network': '[Network]\nFoo=1\n',
      'd.container': box('Network=c.network', 'Network=e.container:x'),
      'e.container': box('ContainerName=e'),
    },
    expected: [
      'c.network:2:1 !unknown_key',
      'b.container:3:9 !nameless_unit Say ContainerName in a.container.',
      'd.container:3:9 !nameless_unit',
      'd.container:4:20 !bad_network',
    ],
  },
  {
    name: 'a drop-in of nobody, and one that is wrong itself',
    files: {
      'a.container': box(),
      'a.container.d/10.conf': '[Container]\nPublishPort=99999:1\n',
      'b.container.d/10.conf': '[Container]\nExec=x\n',
      'a.container.d/20.txt': '[Container]\nExec=x\n',
    },
    expected: [
      'a.container.d/10.conf:2:13 !bad_port',
      'b.container.d/10.conf:1:1 ?drop_in_unused Did you mean a.container.d?',
      'a.container.d/20.txt:1:1 ?drop_in_unused',
    ],
  },
  {
    name: 'a kind of unit that came later',
    files: { 'a.artifact': '[Artifact]\nArtifact=docker.io/x/y:1\n' },
    expected: ['a.artifact:1:1 !kind_too_new'],
  },
  {
    name: 'a volume of a user by name, which Podman takes for 0',
    files: { 'a.volume': '[Volume]\nUser=postgres\nType=tmpfs\n' },
    expected: ['a.volume:3:6 !key_missing', 'a.volume:2:6 !bad_value'],
  },
  {
    name: 'a section that keeps systemd from loading a unit, and a byte order mark that does not',
    files: {
      'a.service': '[Service]\nExecStart=/bin/true\n[Install\nWantedBy=default.target\n',
      'b.service': '\ufeff[Service]\nExecStart=/bin/true\n',
    },
    expected: ['a.service:3:1 !not_understood', 'a.service:4:1 ?unknown_key It belongs into [Install].'],
  },
  {
    name: 'other files beside units, and units that exclude each other',
    files: {
      'play.yaml': 'a: b\n',
      'conf/x.ini': 'nothing\n',
      Containerfile: 'FROM scratch\n',
      'a.container': box('PublishPort=80:80'),
      'b.container': `[Unit]\nConflicts=x.service a.service\n${box('PublishPort=80:80')}`,
    },
    expected: [],
  },
  {
    name: "systemd's own units",
    files: {
      'a.timer': '[Timer]\nOnCalender=daily\nnonsense\n[Service]\nExecStart=/x\n',
      'b.service': '[Service]\nExecStart=/bin/true\nImage=x\n',
    },
    expected: [
      'a.timer:3:1 ?not_understood',
      'a.timer:2:1 ?unknown_key Did you mean OnCalendar?',
      'a.timer:5:1 ?unknown_section',
      'b.service:3:1 ?unknown_key',
    ],
  },
];
