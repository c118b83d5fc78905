type Tree = Readonly<Record<string, unknown>>;

/** A container of an app, as a proxy on its machine knows it. */
export type Container = {
  /** The name of its unit, without its ending. */
  readonly unit: string;
  /** Its own name. */
  readonly own: string;
  /** By what Podman's DNS knows it: its own name, or that of its pod; null on the network of the machine. */
  readonly host: string | null;
};

type Unit = { readonly file: string; readonly base: string; readonly text: string };

/**
 * The containers that an app brings to one of its places, read from its unit files by what podman-systemd.unit(5) says
 * of names and by nothing of src/config.
 *
 * @param place the member of `on`, which may bring more units
 */
export function containersOf(
  app: string,
  said: Tree,
  place: Tree,
  files: ReadonlyMap<string, string>,
): Container[] {
  const wanted = [said, place]
    .flatMap(({ units = [] }) => units as (string | { readonly unit: string })[])
    .map((one) => (typeof one === 'string' ? one : one.unit));
  const folder = `apps/${app}/`;
  const read = [...files].flatMap(([path, text]) => {
    const file = path.startsWith(folder) ? path.slice(folder.length) : undefined;
    return file !== undefined && wanted.some((pattern) => fits(pattern, file))
      ? [{ file: file.replace(/\.j2$/, ''), text }]
      : [];
  });
  const unitsOf = (kind: 'container' | 'pod'): Unit[] =>
    read
      .filter(({ file }) => !file.includes('/') && file.endsWith(`.${kind}`))
      .map(({ file, text }) => {
        // What is said later counts, and drop-ins are said after their unit, by the order of their names.
        const more = read
          .filter((one) => one.file.startsWith(`${file}.d/`))
          .sort((a, b) => (a.file < b.file ? -1 : 1));
        const whole = [text, ...more.map((one) => one.text)].join('\n');
        return { file, base: file.slice(0, -kind.length - 1), text: whole };
      });
  const pods = unitsOf('pod');
  return unitsOf('container').map((unit) => {
    const own = lastOf(unit, 'ContainerName') ?? `systemd-${unit.base}`;
    const said = lastOf(unit, 'Pod');
    const pod = said === undefined ? undefined : pods.find(({ file }) => file === said);
    if (said !== undefined && pod === undefined)
      throw new Error(`${unit.file}: the pod ${said} is not of ${app}`);
    // In a pod the network and the name are the pod's.
    const name = pod === undefined ? own : (lastOf(pod, 'PodName') ?? `systemd-${pod.base}`);
    const isOnMachine = lastOf(pod ?? unit, 'Network') === 'host';
    return { unit: unit.base, own, host: isOnMachine ? null : name };
  });
}

/**
 * The one that a route means: that of `container`, else that of the unit named like the app, else the only one; what
 * is in one pod is one. Undefined where the app has none.
 */
export function answering(
  app: string,
  container: string | undefined,
  all: readonly Container[],
): Container | undefined {
  if (all.length === 0) return undefined;
  const found =
    container === undefined
      ? (all.find(({ unit }) => unit === app) ??
        (new Set(all.map(({ host }) => host)).size === 1 ? all[0] : undefined))
      : all.find(({ unit, own }) => unit === container || own === container);
  if (found === undefined) throw new Error(`${app}: it is not clear which container answers`);
  return found;
}

/** `*` is any text that stays in the folder. */
const fits = (pattern: string, file: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')}$`).test(file);

/** The last value of a key; an empty one takes those before away. */
function lastOf({ file, text }: Unit, key: string): string | undefined {
  const values = text.split('\n').flatMap((line) => {
    const found = /^([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(line);
    return found?.[1] === key ? [found[2]!] : [];
  });
  const value = values.at(-1);
  if (key !== 'Network' && value?.includes('{') === true)
    throw new Error(`${file}: ${key}=${value} is not read here`);
  return value === '' ? undefined : value;
}
