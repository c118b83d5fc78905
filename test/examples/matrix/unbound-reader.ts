/**
 * What Unbound's local zones say of a name, by its manual of 1.17 to 1.22: types `static`, `transparent`,
 * `typetransparent` and `redirect`. Throws for others, and for data that stands in no zone that can hold it.
 */
export type UnboundReader = {
  /** The addresses of a name; `outside` where it is looked up there; none where it is said not to be there. */
  ask(name: string): readonly string[] | 'outside';
};

export function readUnbound(texts: readonly string[]): UnboundReader {
  const zones = new Map<string, string>();
  const data = new Map<string, string[]>();
  for (const line of texts.flatMap((text) => text.split('\n')).map((one) => one.trim())) {
    const zone = /^local-zone: "([^"]+)\." (\S+)$/.exec(line);
    const record = /^local-data: "([^"]+)\. (?:\d+ )?IN A (\S+)"$/.exec(line);
    if (zone !== null) {
      if (!/^(static|transparent|typetransparent|redirect)$/.test(zone[2]!))
        throw new Error(`Unbound: zones of type ${zone[2]} are not read here`);
      // Of two lines for a zone the later one counts.
      zones.set(zone[1]!.toLowerCase(), zone[2]!);
    } else if (record !== null) {
      const name = record[1]!.toLowerCase();
      data.set(name, [...(data.get(name) ?? []), record[2]!]);
    } else if (/^local-(zone|data):/.test(line) && !/ IN MX /.test(line)) {
      throw new Error(`Unbound: ${line} is not read here`);
    }
  }
  const zoneOf = (name: string): string | undefined => {
    const labels = name.split('.');
    return labels.map((_, index) => labels.slice(index).join('.')).find((one) => zones.has(one));
  };
  for (const name of data.keys()) {
    const zone = zoneOf(name);
    // Unbound makes a zone of its own for data that has none.
    if (zone === undefined) zones.set(name, 'transparent');
    else if (zones.get(zone) === 'redirect' && zone !== name)
      throw new Error(`Unbound: ${name} stands below ${zone}, which answers for all below it`);
  }
  return {
    ask(asked) {
      const name = asked.toLowerCase();
      const zone = zoneOf(name);
      if (zone === undefined) return 'outside';
      const type = zones.get(zone)!;
      if (type === 'redirect') return data.get(zone) ?? [];
      const own = data.get(name);
      if (own !== undefined) return own;
      // Others look outside for whatever has no address here, also where names below have one.
      return type === 'static' ? [] : 'outside';
    },
  };
}
