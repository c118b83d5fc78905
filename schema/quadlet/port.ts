import { parseIp } from './ip.ts';

export type PublishedPort = {
  /** The address of the machine that it is published on; absent for all of them. */
  readonly ip?: string;
  /** First and last port of the machine; absent where Podman picks one. */
  readonly host?: readonly [number, number];
  readonly container: readonly [number, number];
  readonly protocol: 'tcp' | 'udp' | 'sctp';
};

const protocols = ['tcp', 'udp', 'sctp'] as const;

/**
 * Reads `[[ip:][host port]:]container port[/protocol]`, as `podman run --publish` does; port ranges as `8000-8010`.
 * Gives a sentence for what Podman would refuse.
 */
export function parsePublish(text: string): PublishedPort | string {
  const [address, given = 'tcp', more] = text.split('/');
  if (address === undefined || more !== undefined) return `${text} is no port`;
  const protocol = protocols.find((one) => one === given.toLowerCase());
  if (protocol === undefined) return `${given} is no protocol: tcp, udp or sctp`;
  const six = /^\[([^\]]*)\]:?(.*)$/.exec(address);
  const parts = six === null ? address.split(':') : [six[1]!, ...six[2]!.split(':')];
  if (parts.length > 3) return `${text} has too many parts: it is ip:host port:container port`;
  const [container, host, ip] = [...parts].reverse() as [string, string?, string?];
  if (six !== null && ip === undefined) return `${text} lacks a port behind the address`;
  if (ip !== undefined && parseIp(ip) === null) return `${ip === '' ? 'nothing' : ip} is no IP address`;
  const inside = parseRange(container);
  if (typeof inside === 'string') return inside;
  const base = { container: inside, protocol, ...(ip !== undefined && { ip }) };
  if (host === undefined || host === '') return base;
  const outside = parseRange(host);
  if (typeof outside === 'string') return outside;
  if (outside[1] - outside[0] !== inside[1] - inside[0]) return `${host} and ${container} differ in length`;
  return { ...base, host: outside };
}

/** `80` or `8000-8010`. */
export function parseRange(text: string): readonly [number, number] | string {
  const match = /^([0-9]+)(?:-([0-9]+))?$/.exec(text);
  if (match === null) return `${text === '' ? 'nothing' : text} is no port`;
  const first = Number(match[1]);
  const end = Number(match[2] ?? match[1]);
  if (first < 1 || end > 65535) return `${text} is no port: they go from 1 to 65535`;
  return end < first ? `${text} ends before it begins` : [first, end];
}

const anywhere = (ip: string | undefined): boolean => ip === undefined || ip === '0.0.0.0' || ip === '::';

/** Whether two publications would want the same port of the machine. */
export function portsClash(a: PublishedPort, b: PublishedPort): boolean {
  if (a.host === undefined || b.host === undefined) return false;
  const sameIp = anywhere(a.ip) || anywhere(b.ip) || a.ip === b.ip;
  return sameIp && a.protocol === b.protocol && a.host[0] <= b.host[1] && b.host[0] <= a.host[1];
}
