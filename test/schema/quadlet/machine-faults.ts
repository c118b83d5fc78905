import { box, type Fault } from './fault.ts';

/** What only several files of a machine show, and what is wrong with kinds other than containers. */
export const machineFaults: readonly Fault[] = [
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
