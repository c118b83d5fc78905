/** What a unit says for a key of a section, in order; continuations joined, comments left out. */
export function unitValues(text: string, section: string, key: string): string[] {
  const values: string[] = [];
  let inside = false;
  let held = '';
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line.startsWith('#') || line.startsWith(';')) continue;
    if (line.endsWith('\\')) {
      held += `${line.slice(0, -1)} `;
      continue;
    }
    const whole = `${held}${line}`;
    held = '';
    if (whole.startsWith('[')) inside = whole === `[${section}]`;
    else if (inside && whole.startsWith(key)) {
      const [name, ...rest] = whole.split('=');
      if (name!.trim() === key) values.push(rest.join('=').trim());
    }
  }
  return values;
}

const ofQuadlet = new Set(['container', 'volume', 'network', 'pod', 'kube', 'image', 'build']);

export type UnitKind = 'container' | 'volume' | 'network' | 'pod' | 'kube' | 'image' | 'build' | 'systemd';

/** `grafana.container.d/10-more.conf` is a drop-in of `grafana.container`. */
export function readUnitName(name: string): { base: string; kind: UnitKind; dropIn: boolean } {
  const dropIn = name.includes('.d/');
  const unit = dropIn ? name.slice(0, name.indexOf('.d/')) : name;
  const suffix = unit.slice(unit.lastIndexOf('.') + 1);
  return {
    base: unit.slice(0, unit.lastIndexOf('.')),
    kind: ofQuadlet.has(suffix) ? (suffix as UnitKind) : 'systemd',
    dropIn,
  };
}

/** Where a unit file goes on its target. */
export const unitPath = (name: string): string =>
  `${readUnitName(name).kind === 'systemd' ? '/etc/systemd/system' : '/etc/containers/systemd'}/${name}`;

const suffixes: Readonly<Record<UnitKind, string>> = {
  container: '',
  kube: '',
  pod: '-pod',
  volume: '-volume',
  network: '-network',
  image: '-image',
  build: '-build',
  systemd: '',
};

/** The service that systemd has for a unit file: `grafana.service`, `grafanadata-volume.service`, `x.timer`. */
export function serviceOf(name: string, text: string): string {
  const { base, kind } = readUnitName(name);
  if (kind === 'systemd') return name.split('.d/')[0]!;
  const section = kind[0]!.toUpperCase() + kind.slice(1);
  const named = unitValues(text, section, 'ServiceName').at(-1);
  return `${named !== undefined && named !== '' ? named : `${base}${suffixes[kind]}`}.service`;
}

/** Whether systemd runs it, so that it is started and stopped: no volumes and networks, no templates (`x@`). */
export function isRun(name: string): boolean {
  const { base, kind, dropIn } = readUnitName(name);
  return (
    !dropIn &&
    !base.endsWith('@') &&
    (kind === 'container' || kind === 'pod' || kind === 'kube' || kind === 'systemd')
  );
}
