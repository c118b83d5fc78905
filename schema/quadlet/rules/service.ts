import { isAtLeast } from '../keys.ts';
import type { Rule } from '../machine.ts';
import { sectionOf } from '../names.ts';
import { all, isTrue, last, lastValue, placeOf } from '../unit.ts';
import { splitWords } from '../words.ts';

/** Keys of [Unit] that name other units. */
export const dependencyKeys = [
  ...['After', 'Before', 'BindsTo', 'Conflicts', 'OnFailure', 'OnSuccess', 'PartOf', 'PropagatesReloadTo'],
  ...[
    'PropagatesStopTo',
    'ReloadPropagatedFrom',
    'Requires',
    'Requisite',
    'StopPropagatedFrom',
    'Upholds',
    'Wants',
  ],
] as const;

const translatedSince = '5.5';

/** What of a unit only its pod may say, or what goes nowhere with its network. */
export const judgeService: Rule = (unit, machine, tell) => {
  const { kind } = unit.name;
  if (kind === 'systemd') return;
  for (const key of dependencyKeys) {
    for (const one of all(unit, 'Unit', key)) {
      for (const { text, offset } of splitWords(one.value, 'list').words) {
        if (!/\.(container|volume|network|pod|kube|image|build)$/.test(text)) continue;
        const target = machine.units.get(text);
        const isRefused = isAtLeast(machine.podman, translatedSince);
        if (target === undefined) {
          tell(placeOf(one, offset), 'unknown_unit', `there is no file ${text}`, {
            ...(isRefused && { generator: true }),
          });
        } else if (!isRefused) {
          const message = `Podman ${machine.podman} leaves ${text} as it is, and systemd knows no such unit`;
          const suggestion = `Write ${target.service}.`;
          tell(placeOf(one, offset), 'dependency_untranslated', message, { suggestion });
        }
      }
    }
  }
  if (kind !== 'container') return;
  const section = sectionOf(kind);
  const notify = lastValue(unit, section, 'Notify') ?? '';
  const command = lastValue(unit, section, 'HealthCmd') ?? '';
  if (/^healthy$/i.test(notify) && (command === '' || command === 'none')) {
    tell(placeOf(last(unit, section, 'Notify')!), 'key_missing', 'Notify=healthy needs HealthCmd');
  }
  const startup = last(unit, section, 'HealthStartupCmd');
  if (startup !== undefined && command === '') {
    tell(placeOf(startup), 'key_missing', 'HealthStartupCmd needs HealthCmd beside it');
  }
  const networks = all(unit, section, 'Network');
  const ports = all(unit, section, 'PublishPort');
  const published = ports[0];
  const pod = lastValue(unit, section, 'Pod') ?? '';
  if (pod !== '') {
    for (const key of ['PublishPort', 'Network', 'IP', 'IP6', 'HostName', 'AddHost', 'DNS'] as const) {
      const one = key === 'IP' || key === 'IP6' ? last(unit, section, key) : all(unit, section, key)[0];
      if (one === undefined || one.value === '') continue;
      if (key === 'HostName') continue;
      tell(placeOf(one), 'in_pod', `${key} is the pod's to say`, { suggestion: `Say it in ${pod}.` });
    }
  } else if (published !== undefined && networks.some(({ value }) => value === 'host')) {
    const message =
      "with Network=host the container has the machine's own ports, and PublishPort does nothing";
    tell(placeOf(published), 'port_unpublished', message, { warning: true });
  } else if (published !== undefined && networks.some(({ value }) => value === 'none')) {
    tell(placeOf(published), 'port_unpublished', 'with Network=none no port can be published');
  }
  for (const key of ['IP', 'IP6']) {
    const one = last(unit, section, key);
    if (one === undefined || one.value === '' || pod !== '') continue;
    if (networks.length > 1) {
      tell(placeOf(one), 'bad_network', `${key} needs one network alone, and there are ${networks.length}`, {
        suggestion: `Say it with its network: Network=x.network:${key.toLowerCase()}=${one.value}.`,
      });
    } else if (/^(host|none|container:|pasta|slirp4netns|ns:)/.test(networks[0]?.value ?? '')) {
      tell(placeOf(one), 'bad_network', `${key} does not go with Network=${networks[0]!.value}`);
    }
  }
  const remaps = last(unit, section, 'ReadOnlyTmpfs');
  if (remaps !== undefined && isTrue(remaps.value) && !isTrue(lastValue(unit, section, 'ReadOnly') ?? '')) {
    tell(placeOf(remaps), 'key_missing', 'ReadOnlyTmpfs does nothing without ReadOnly', { warning: true });
  }
};
