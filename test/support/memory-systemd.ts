import type { UnitSight } from '../../relay/machine/machine.ts';

/** As much of systemd, and of Podman's generator for it, as activation asks for. */
export type MemorySystemd = {
  /** `systemctl` with these words. */
  ask(words: readonly string[]): { code: number; stdout?: string; stderr?: string };
  sight(name: string): UnitSight;
  /** Services that run, sorted. */
  running(): string[];
};

/** A unit whose text has `Fails` does not start. Units are those of the files at the last reload. */
export function createMemorySystemd(files: () => ReadonlyMap<string, string>): MemorySystemd {
  const active = new Map<string, number>();
  const failed = new Set<string>();
  let units = new Map<string, string>();
  let starts = 100;

  const reload = (): void => {
    units = new Map();
    for (const [path, text] of files()) {
      const quadlet = /^\/etc\/containers\/systemd\/([^/]+)\.(container|volume|network)$/.exec(path);
      const kind = quadlet?.[2] === 'container' ? '' : `-${quadlet?.[2]}`;
      if (quadlet !== null) units.set(`${quadlet[1]}${kind}.service`, text);
      const own = /^\/etc\/systemd\/system\/([^/]+\.(service|timer|socket))$/.exec(path)?.[1];
      if (own !== undefined) units.set(own, text);
    }
  };
  const start = (service: string): boolean => {
    const text = units.get(service);
    if (text === undefined || text.includes('Fails')) {
      if (text !== undefined) failed.add(service);
      active.delete(service);
      return false;
    }
    starts += 1;
    active.set(service, starts);
    failed.delete(service);
    return true;
  };
  const stateOf = (service: string): string =>
    active.has(service) ? 'active' : failed.has(service) ? 'failed' : 'inactive';
  const loadOf = (service: string): string => (units.has(service) ? 'loaded' : 'not-found');
  const show = (services: readonly string[]): string =>
    services
      .map((service) =>
        [
          `Id=${service}`,
          `LoadState=${loadOf(service)}`,
          `ActiveState=${stateOf(service)}`,
          'Type=notify',
          `Result=${failed.has(service) ? 'exit-code' : 'success'}`,
          'NRestarts=0',
          `MainPID=${active.get(service) ?? 0}`,
          `InvocationID=${active.get(service) ?? ''}`,
          `UnitFileState=${units.has(service) ? 'generated' : ''}`,
          ...['StatusText=', 'RequiredBy=', 'Triggers='],
        ].join('\n'),
      )
      .join('\n\n');

  return {
    running: () => [...active.keys()].sort(),
    sight: (name) => ({ name, load: loadOf(name), active: stateOf(name), ended: false }),
    ask(words) {
      const [verb] = words;
      const services = words.includes('--') ? words.slice(words.indexOf('--') + 1) : [];
      const ended = (good: boolean) => (good ? { code: 0 } : { code: 1, stderr: 'it failed' });
      switch (verb) {
        case 'show':
          return { code: 0, stdout: show(services) };
        case 'daemon-reload':
          reload();
          return { code: 0 };
        case 'stop':
          for (const service of services) active.delete(service);
          return { code: 0 };
        case 'start':
          return ended(
            !services
              .filter((one) => !active.has(one))
              .map(start)
              .includes(false),
          );
        case 'try-restart':
        case 'try-reload-or-restart':
          return ended(
            !services
              .filter((one) => active.has(one))
              .map(start)
              .includes(false),
          );
        case 'restart':
        case 'reload-or-restart':
          return ended(!services.map(start).includes(false));
        default:
          return { code: 0 };
      }
    },
  };
}
