/**
 * HAProxy's passing on by name, without HAProxy: what its configuration and maps say of a TLS hello. Written from
 * HAProxy's manual of 2.6 and 3.0, for what is used in `mode tcp` and no more: it throws for any line that it does not
 * know, so that nothing is passed over.
 */
export type HaproxyReader = {
  /**
   * Where a connection to port 443 from somebody new goes.
   *
   * @param isUp whether health checks find the server at an address there
   * @returns null where it is dropped
   */
  pass(name: string, isUp: (address: string) => boolean): Passed | null;
};

export type Passed = {
  readonly backend: string;
  /** `address:port` */
  readonly server: string;
  /** Whether the server is told who asks. */
  readonly proxied: boolean;
};

type Section = { readonly head: string; readonly lines: readonly string[] };
type State = { readonly name: string; readonly vars: Map<string, string>; isUp(server: string): boolean };

/** @param fileAt the text of a file of the machine, such as a map */
export function readHaproxy(text: string, fileAt: (path: string) => string): HaproxyReader {
  const sections = sectionsOf(text);
  const isTcp = sections.some(({ head, lines }) => head === 'defaults' && lines.includes('mode tcp'));
  const doors = sections.filter(
    ({ head, lines }) =>
      head.startsWith('frontend ') && lines.some((line) => /^bind \S+:443( |$)/.test(line)),
  );
  if (doors.length !== 1 || !isTcp) throw new Error('there is no one frontend of mode tcp on port 443');
  const backends = new Map(
    sections
      .filter(({ head }) => head.startsWith('backend '))
      .map(({ head, lines }) => [head.slice('backend '.length), serversOf(lines)]),
  );
  const serverOf = (backend: string): Passed | null => {
    const servers = backends.get(backend);
    if (servers === undefined) return null;
    if (servers.length !== 1) throw new Error(`${backend} has ${servers.length} servers`);
    return { backend, ...servers[0]! };
  };

  // A backend by a name that none has is the usual one, too.
  const usual = serverOf(
    doors[0]!.lines.flatMap((line) => /^default_backend (\S+)$/.exec(line)?.[1] ?? [])[0] ?? '',
  );

  const sample = (expression: string, { name, vars }: State): string | undefined => {
    const [first, ...converters] = expression.split(/,(?![^(]*\))/);
    const variable = /^var\(([a-z.]+)\)$/.exec(first!)?.[1];
    let value: string | undefined;
    if (first === 'req.ssl_sni') value = name;
    else if (variable !== undefined) value = vars.get(variable);
    else throw new Error(`HAProxy: the sample ${first} is not read here`);
    for (const converter of converters) {
      const map = /^map_(str|end)\((\/[^)]+)\)$/.exec(converter);
      if (converter === 'lower') value = value?.toLowerCase();
      else if (map !== null)
        value = value === undefined ? undefined : lookUp(fileAt(map[2]!), map[1]!, value);
      else throw new Error(`HAProxy: the converter ${converter} is not read here`);
    }
    return value;
  };
  const holds = (condition: string, state: State): boolean =>
    [...condition.matchAll(/\{ ([^}]+) \}/g)].every(([, test]) => {
      const word = test!.trim();
      if (word === 'req.ssl_hello_type 1') return true;
      // Somebody who has opened nothing before.
      if (/^sc0_(get_gpc0|conn_cur|conn_rate|inc_gpc0) gt \d+$/.test(word)) return false;
      const dead = /^nbsrv\((\S+)\) eq 0$/.exec(word);
      if (dead !== null) return !state.isUp(serverOf(dead[1]!)!.server);
      const found = /^(\S+) -m found$/.exec(word);
      if (found !== null) return sample(found[1]!, state) !== undefined;
      const equal = /^(\S+) -m str (\S+)$/.exec(word);
      if (equal !== null) return sample(equal[1]!, state) === equal[2];
      throw new Error(`HAProxy: the condition ${word} is not read here`);
    });
  const isMeant = (rest: string | undefined, state: State): boolean => {
    const found = /^(if|unless) (\{ .+ \})$/.exec(rest ?? '');
    if (rest !== undefined && found === null) throw new Error(`HAProxy: ${rest} is not read here`);
    return found === null || holds(found[2]!, state) === (found[1] === 'if');
  };

  return {
    pass(name, isUp) {
      const state: State = { name, vars: new Map(), isUp };
      for (const line of doors[0]!.lines) {
        if (/^(bind|tcp-request inspect-delay|tcp-request connection track-sc0|default_backend) /.test(line))
          continue;
        const rule =
          /^tcp-request (?:content|connection) (\S+(?: req\.ssl_sni\S*| var\(\S+)?)(?: (.+))?$/.exec(line);
        const use = /^use_backend (\S+)(?: (.+))?$/.exec(line);
        if (use !== null) {
          if (!isMeant(use[2], state)) continue;
          const dynamic = /^%\[(.+)\]$/.exec(use[1]!);
          return serverOf(dynamic === null ? use[1]! : (sample(dynamic[1]!, state) ?? '')) ?? usual;
        }
        if (rule === null) throw new Error(`HAProxy: ${line} is not read here`);
        if (!isMeant(rule[2], state)) continue;
        const set = /^set-var\(([a-z.]+)\) (\S+)$/.exec(rule[1]!);
        if (set !== null) {
          const value = sample(set[2]!, state);
          if (value !== undefined) state.vars.set(set[1]!, value);
        } else if (rule[1] === 'silent-drop' || rule[1] === 'reject') return null;
        // What follows is not asked any more; backends are chosen behind all of these.
        else if (rule[1] !== 'accept') throw new Error(`HAProxy: ${line} is not read here`);
        else continue;
      }
      return usual;
    },
  };
}

function sectionsOf(text: string): Section[] {
  const sections: { head: string; lines: string[] }[] = [];
  for (const line of text.split('\n').map((one) => one.replace(/(^|\s)#.*$/, '').trimEnd())) {
    if (line === '') continue;
    if (!line.startsWith(' ')) sections.push({ head: line, lines: [] });
    else sections.at(-1)!.lines.push(line.trim());
  }
  return sections;
}

const serversOf = (lines: readonly string[]): Omit<Passed, 'backend'>[] =>
  lines.flatMap((line) => {
    const found = /^server \S+ (\S+)( send-proxy-v2)?$/.exec(line);
    return found === null ? [] : [{ server: found[1]!, proxied: found[2] !== undefined }];
  });

/** The value of the first line that fits: whole, or as an end. */
function lookUp(map: string, kind: string, name: string): string | undefined {
  const lines = map
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => /^(\S+)\s+(.*)$/.exec(line)!);
  return lines.find(([, key]) => (kind === 'str' ? key === name : name.endsWith(key!)))?.[2];
}
