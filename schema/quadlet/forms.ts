import type { QuadletCode } from './codes.ts';
import { hasHostBits, parseCidr, parseIp } from './ip.ts';
import { parsePublish, parseRange } from './port.ts';

/** What is wrong with a value; null when nothing is. */
export type Form = (text: string) => FormFault | null;

export type FormFault = { readonly code: QuadletCode; readonly message: string; readonly warning?: true };

const bad = (code: QuadletCode, message: string): FormFault => ({ code, message });

const oneOf =
  (...words: readonly string[]): Form =>
  (text) =>
    words.includes(text) ? null : bad('bad_value', `is one of ${words.join(', ')}, not ${text}`);

const like =
  (pattern: RegExp, what: string, code: QuadletCode = 'bad_value'): Form =>
  (text) =>
    pattern.test(text) ? null : bad(code, `is ${what}, not ${text}`);

const truth: Form = (text) =>
  /^(1|yes|true|on|0|no|false|off)$/i.test(text)
    ? null
    : bad('bad_value', `is true or false; Podman takes ${text} for false`);
const whole = like(/^[0-9]+$/, 'a whole number');
const duration = like(/^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$/, 'a time such as 30s or 1m30s');
const size = like(/^[0-9]+(\.[0-9]+)?\s?([kmgtp]i?)?b?$/i, 'a size such as 64m');
const path = like(/^\//, 'an absolute path', 'bad_path');
const name = like(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, 'a name of letters, digits, _ . -', 'bad_name');
const logDriver = oneOf('journald', 'k8s-file', 'json-file', 'none', 'passthrough', 'passthrough-tty');
const pull = oneOf('always', 'missing', 'never', 'newer');

const either =
  (word: RegExp, form: Form): Form =>
  (text) =>
    word.test(text) ? null : form(text);

const address =
  (version?: 4 | 6): Form =>
  (text) => {
    const ip = parseIp(text);
    if (ip !== null && (version === undefined || ip.version === version)) return null;
    return bad('bad_address', `is an IP${version === undefined ? '' : `v${version}`} address, not ${text}`);
  };

const subnet: Form = (text) => {
  const cidr = parseCidr(text);
  if (cidr === null) return bad('bad_subnet', `is a subnet such as 10.89.0.0/24, not ${text}`);
  if (!hasHostBits(cidr)) return null;
  return { ...bad('bad_subnet', `${text} has bits set behind its /${cidr.bits}`), warning: true };
};

const range: Form = (text) => {
  if (parseCidr(text) !== null) return null;
  const [from, to, more] = text.split('-');
  const known = [from, to].every((one) => one !== undefined && parseIp(one) !== null);
  return known && more === undefined
    ? null
    : bad('bad_subnet', `is a subnet or two addresses with - between, not ${text}`);
};

const publish: Form = (text) => {
  const port = parsePublish(text);
  return typeof port === 'string' ? bad('bad_port', port) : null;
};

const expose: Form = (text) => {
  const [ports = '', protocol = 'tcp', more] = text.split('/');
  const read = parseRange(ports);
  if (typeof read === 'string') return bad('bad_port', read);
  const isKnown = more === undefined && /^(tcp|udp|sctp)$/.test(protocol);
  return isKnown ? null : bad('bad_port', `${text} is no port with its protocol`);
};

const host: Form = (text) => {
  const colon = text.indexOf(':');
  const ip = text.slice(colon + 1);
  const known = colon > 0 && (ip === 'host-gateway' || parseIp(ip) !== null);
  return known ? null : bad('bad_address', `is name:address, not ${text}`);
};

const device: Form = (text) =>
  /^-?\/[^:]*(:\/[^:]*)?(:[rwm]{1,3})?$/.test(text) || /^-?[\w.-]+\/[\w.-]+=\S+$/.test(text)
    ? null
    : bad('bad_path', `is /dev/…[:/dev/…][:rwm], or a CDI name, not ${text}`);

const capability = like(/^(all|(cap_)?[a-z_]+)$/i, 'a capability such as CAP_NET_ADMIN');
const pair = like(/^[^=\s]+=/, 'name=value');
const mapping = like(/^[+ug]*[0-9]+:@?[0-9]+(:[0-9]+)?$/, 'a mapping such as 0:100000:65536');
const tmpfs: Form = (text) => path(text.split(':')[0]!);
const limits =
  'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(
    ' ',
  );

const ulimit: Form = (text) => {
  if (text === 'host') return null;
  const match = /^([a-z]+)=(-?[0-9]+)(?::(-?[0-9]+))?$/.exec(text);
  const [soft, hard] = [Number(match?.[2]), Number(match?.[3] ?? match?.[2])];
  const isOrdered = hard === -1 || (soft !== -1 && soft <= hard);
  return match !== null && limits.includes(match[1]!) && isOrdered
    ? null
    : bad('bad_value', `is such as nofile=1024:2048, not ${text}`);
};

const secret: Form = (text) => {
  const [name = '', ...options] = text.split(',');
  if (name === '') return bad('bad_value', `${text} names no secret`);
  for (const option of options) {
    const [key = '', value = ''] = option.split('=');
    const known = /^(type|target|uid|gid|mode)$/.test(key) && (key !== 'type' || /^(mount|env)$/.test(value));
    if (!known) return bad('bad_value', `${option} is no option of a secret`);
  }
  return null;
};

/** What each key takes, as `Section.Key` or for every section that has it. */
const forms: Readonly<Record<string, Form>> = {
  ...Object.fromEntries(
    (
      'AllTags Copy DefaultDependencies DisableDNS EnvironmentHost ForceRM HttpProxy IPv6 Internal KubeDownForce ' +
      'NetworkDeleteOnStop NoNewPrivileges Quiet ReadOnly ReadOnlyTmpfs RunInit SecurityLabelDisable ' +
      'SecurityLabelNested StartWithPod TLSVerify VolatileTmp'
    )
      .split(' ')
      .map((key) => [key, truth]),
  ),
  AddCapability: capability,
  AddDevice: device,
  AddHost: host,
  'Container.AutoUpdate': oneOf('registry', 'local'),
  CgroupsMode: oneOf('enabled', 'disabled', 'no-conmon', 'split'),
  ContainerName: name,
  DNS: either(/^none$/, address()),
  'Network.DNS': address(),
  DropCapability: capability,
  ExitCodePropagation: oneOf('all', 'any', 'none'),
  ExposeHostPort: expose,
  GIDMap: mapping,
  Gateway: address(),
  'Volume.Group': like(/^[0-9]+$/, 'a number; Podman takes a name for 0,'),
  HealthInterval: either(/^disable$/, duration),
  HealthMaxLogCount: whole,
  HealthMaxLogSize: whole,
  HealthOnFailure: oneOf('none', 'kill', 'restart', 'stop'),
  HealthRetries: whole,
  HealthStartPeriod: duration,
  HealthStartupInterval: either(/^disable$/, duration),
  HealthStartupRetries: whole,
  HealthStartupSuccess: whole,
  HealthStartupTimeout: duration,
  HealthTimeout: duration,
  IP: address(4),
  IP6: address(6),
  IPAMDriver: oneOf('host-local', 'dhcp', 'none'),
  IPRange: range,
  LogDriver: logDriver,
  Memory: size,
  NetworkName: name,
  Notify: either(/^healthy$/i, truth),
  'Network.Options': pair,
  PidsLimit: like(/^-?[0-9]+$/, 'a number'),
  PodName: name,
  PublishPort: publish,
  'Container.Pull': pull,
  'Image.Policy': pull,
  RemapUidSize: whole,
  Retry: whole,
  RetryDelay: duration,
  'Container.Secret': secret,
  ShmSize: size,
  StopTimeout: whole,
  Subnet: subnet,
  Sysctl: pair,
  Tmpfs: tmpfs,
  UIDMap: mapping,
  Ulimit: ulimit,
  'Volume.User': like(/^[0-9]+$/, 'a number; Podman takes a name for 0,'),
  VolumeName: name,
  WorkingDir: path,
};

/** What a key takes; undefined where anything will do. */
export const formOf = (section: string, key: string): Form | undefined => {
  const own = `${section}.${key}`;
  if (Object.hasOwn(forms, own)) return forms[own];
  return Object.hasOwn(forms, key) ? forms[key] : undefined;
};
