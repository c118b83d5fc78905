import type { PlannedApp, PlannedFile, Risk } from './planned.ts';

/** A name in backquotes, which it cannot end. */
export const named = (text: string): string => `\`${text.replaceAll('`', "'")}\``;

/** What of Podman's units publishes a port, or leaves a volume's data behind: no service of theirs tells it. */
export function unitRisks(target: string, planned: PlannedApp): Risk[] {
  const units = planned.files.filter(({ path }) => path.startsWith('/etc/containers/systemd/'));
  return [...published(target, planned, units), ...leftBehind(target, planned, units)];
}

type Values = { readonly added: readonly string[]; readonly removed: readonly string[] };

/** The values of a key in the changed lines of a unit file. */
function changed({ diff }: PlannedFile, key: RegExp): Values {
  const values = (sign: string): string[] =>
    (typeof diff === 'string' ? diff.split('\n') : []).flatMap((line) => {
      const [, name, value] = /^.([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      return line.startsWith(sign) && name !== undefined && key.test(name) ? [value!] : [];
    });
  const [added, removed] = [values('+'), values('-')];
  return {
    added: added.filter((value) => !removed.includes(value)),
    removed: removed.filter((value) => !added.includes(value)),
  };
}

/** Ports that units publish by themselves; those that the app states are told with who may speak to them. */
function published(target: string, { app, after }: PlannedApp, units: readonly PlannedFile[]): Risk[] {
  const isStated = (value: string): boolean => {
    const port = Number(value.split('/')[0]!.split(':').at(-2));
    return (after?.ports ?? []).some((one) => one.port === port);
  };
  const isOwn = (value: string): boolean => /^(127\.|\[::1\]:)/.test(value);
  return units.flatMap((unit) => [
    ...changed(unit, /^PublishPort$/)
      .added.filter((value) => !isOwn(value) && !isStated(value))
      .map((value) => ({
        code: 'access_widened' as const,
        target,
        app,
        text: `${named(unit.path)} on \`${target}\` publishes ${named(value)}, for everybody who reaches the machine`,
      })),
    ...changed(unit, /^Network$/)
      .added.filter((value) => value === 'host')
      .map(() => ({
        code: 'access_widened' as const,
        target,
        app,
        text: `${named(unit.path)} on \`${target}\` gets the machine's own network: whatever it listens at is open there`,
      })),
  ]);
}

function leftBehind(target: string, { app, units }: PlannedApp, files: readonly PlannedFile[]): Risk[] {
  const sourceOf = (value: string): string => value.split(':')[0]!;
  const stopped = units.filter(({ effect }) => effect === 'stop').map(({ service }) => service);
  // A volume whose own unit goes is told of by it.
  const isTold = (source: string): boolean =>
    source.endsWith('.volume') && stopped.includes(`${source.slice(0, -'.volume'.length)}-volume.service`);
  const mounts = files.map((file) => ({ file, values: changed(file, /^Volume$/) }));
  const now = new Set(mounts.flatMap(({ values }) => values.added.map(sourceOf)));
  const unmounted = mounts.flatMap(({ file, values }) =>
    values.removed
      .map(sourceOf)
      .filter((source) => /^[A-Za-z0-9]/.test(source) && !now.has(source) && !isTold(source))
      .map(
        (source) =>
          `${named(file.path)} on \`${target}\` no longer mounts the volume ${named(source)}; its data stays where it is`,
      ),
  );
  const others = files
    .filter(
      ({ path, kind }) => /\.volume(\.d\/[^/]+)?$/.test(path) && (kind === 'changed' || path.includes('.d/')),
    )
    .filter((file) => {
      const { added, removed } = changed(file, /^(VolumeName|Driver|Device|Type)$/);
      return added.length + removed.length > 0;
    })
    .map(
      ({ path }) =>
        `${named(path)} on \`${target}\` becomes another volume, which is empty at first; the data of the old one stays where it is`,
    );
  return [...unmounted, ...others].map((text) => ({
    code: 'volume_removed',
    target,
    app,
    text,
  }));
}
