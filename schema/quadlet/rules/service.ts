import type { Tell } from '../finding.ts';
import { isAtLeast } from '../keys.ts';
import type { Rule } from '../machine.ts';
import { sectionOf } from '../names.ts';
import { all, isTrue, last, lastValue, placeOf, type Unit } from '../unit.ts';
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
    tell(
      placeOf(last(unit, section, 'Notify')!),
      'key_missing',
      'Notify=healthy needs HealthCmd, or an image with one',
      {
        warning: true,
      },
    );
  }
  const startup = last(unit, section, 'HealthStartupCmd');
  if (startup !== undefined && command === '') {
    const message = 'HealthStartupCmd needs HealthCmd, or an image with one';
    tell(placeOf(startup), 'key_missing', message, { warning: true });
  }
  judgeNetwork(unit, section, tell);
  const remaps = last(unit, section, 'ReadOnlyTmpfs');
  if (remaps !== undefined && isTrue(remaps.value) && !isTrue(lastValue(unit, section, 'ReadOnly') ?? '')) {
    tell(placeOf(remaps), 'key_missing', 'ReadOnlyTmpfs does nothing without ReadOnly', { warning: true });
  }
};

/** Modes of networking that stand alone. */
const isAlone = (network: string): boolean => /^(host|none|container:|.*\.container$|ns:)/.test(network);

function judgeNetwork(unit: Unit, section: string, tell: Tell): void {
  const networks = all(unit, section, 'Network');
  const published = all(unit, section, 'PublishPort')[0];
  const pod = lastValue(unit, section, 'Pod') ?? '';
  if (pod !== '') judgeInPod(unit, section, pod, tell);
  const alone = networks.find(({ value }) => isAlone(value));
  if (networks.length > 1 && alone !== undefined) {
    tell(placeOf(alone), 'bad_network', `Network=${alone.value} does not go with another network`);
  } else if (published !== undefined && pod === '' && /^(host|none)$/.test(alone?.value ?? '')) {
    const message = `PublishPort does nothing with Network=${alone!.value}`;
    tell(placeOf(published), 'port_unpublished', message, { warning: true });
  }
  for (const key of ['IP', 'IP6', 'NetworkAlias']) {
    const one = last(unit, section, key);
    if (one === undefined || one.value === '' || (pod !== '' && networks.length === 0)) continue;
    if (alone !== undefined) {
      tell(placeOf(one), 'bad_network', `${key} does not go with Network=${alone.value}`);
    } else if (networks.length > 1 && key !== 'NetworkAlias') {
      tell(placeOf(one), 'bad_network', `${key} needs one network alone, and there are ${networks.length}`, {
        suggestion: `Say it with its network: Network=x.network:${key.toLowerCase()}=${one.value}.`,
      });
    }
  }
}

/** A container in a pod shares the pod's network, host name and users. */
function judgeInPod(unit: Unit, section: string, pod: string, tell: Tell): void {
  const network = all(unit, section, 'Network')[0];
  if (network !== undefined) {
    const message = 'with a network of its own the container leaves that of its pod';
    tell(placeOf(network), 'in_pod', message, { warning: true, suggestion: `Say it in ${pod}.` });
  }
  for (const key of ['PublishPort', 'AddHost', 'IP', 'IP6', 'HostName', 'UserNS']) {
    const one = last(unit, section, key);
    const isOwn = network !== undefined && key !== 'HostName' && key !== 'UserNS';
    if (one === undefined || one.value === '' || isOwn) continue;
    tell(placeOf(one), 'in_pod', `${key} is the pod's to say`, { suggestion: `Say it in ${pod}.` });
  }
}
