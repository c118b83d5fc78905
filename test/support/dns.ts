/** DNS messages (RFC 1035), as far as a test asks for names. */

const types = { A: 1, NS: 2, SOA: 6, PTR: 12, MX: 15, AAAA: 28 } as const;
export type DnsType = keyof typeof types;

export type DnsAnswer = {
  readonly rcode: 'NOERROR' | 'SERVFAIL' | 'NXDOMAIN' | 'REFUSED';
  readonly data: readonly string[];
};

const rcodes: Readonly<Record<number, DnsAnswer['rcode']>> = {
  0: 'NOERROR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  5: 'REFUSED',
};

export function dnsQuery(name: string, type: DnsType): Buffer {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  return Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, types[type], 0, 1]);
}

export function readDns(message: Buffer): DnsAnswer {
  const rcode = rcodes[message[3]! & 0x0f];
  if (rcode === undefined) throw new Error(`an answer with code ${message[3]! & 0x0f}`);
  let at = 12;
  for (let i = 0; i < message.readUInt16BE(4); i += 1) at = readName(message, at).next + 4;
  const data: string[] = [];
  for (let i = 0; i < message.readUInt16BE(6); i += 1) {
    at = readName(message, at).next;
    const type = message.readUInt16BE(at);
    const length = message.readUInt16BE(at + 8);
    at += 10;
    if (type === types.A) data.push([...message.subarray(at, at + 4)].join('.'));
    if (type === types.PTR) data.push(readName(message, at).name);
    if (type === types.MX) data.push(`${message.readUInt16BE(at)} ${readName(message, at + 2).name}`);
    at += length;
  }
  return { rcode, data };
}

function readName(message: Buffer, from: number): { name: string; next: number } {
  const labels: string[] = [];
  let at = from;
  for (;;) {
    const length = message[at]!;
    if (length === 0) return { name: labels.join('.'), next: at + 1 };
    if (length >= 0xc0) {
      const rest = readName(message, message.readUInt16BE(at) & 0x3fff).name;
      return { name: [...labels, rest].join('.'), next: at + 2 };
    }
    labels.push(message.subarray(at + 1, at + 1 + length).toString());
    at += 1 + length;
  }
}
