import { didYouMean } from '../../near.ts';
import type { Tell } from '../finding.ts';
import type { Rule } from '../machine.ts';
import { type QuadletKind, sectionOf } from '../names.ts';
import { type Assigned, all, last, lastValue, placeOf, type Unit, unitPlace } from '../unit.ts';
import { splitWords } from '../words.ts';

const refused = { generator: true } as const;

/** What each kind of unit must say, and what cannot stand together: the generator's own rules. */
export const judgeKind: Rule = (unit, _machine, tell) => {
  const { kind } = unit.name;
  if (kind === 'systemd') return;
  const section = sectionOf(kind);
  rules[kind](unit, section, tell);
  if (kind === 'container' || kind === 'pod' || kind === 'kube') judgeMappings(unit, section, kind, tell);
};

type KindRule = (unit: Unit, section: string, tell: Tell) => void;

const rules: Readonly<Record<QuadletKind, KindRule>> = {
  container(unit, section, tell) {
    const image = lastValue(unit, section, 'Image') ?? '';
    const rootfs = lastValue(unit, section, 'Rootfs') ?? '';
    if (image === '' && rootfs === '') {
      tell(unitPlace(unit), 'key_missing', 'a container needs Image or Rootfs', {
        ...refused,
        suggestion: unit.sections.has(section)
          ? ''
          : `There is no section [${section}].${didYouMean(section, unit.sections.keys())}`,
      });
    } else if (image !== '' && rootfs !== '') {
      const at = placeOf(last(unit, section, 'Rootfs')!);
      tell(at, 'keys_clash', 'Image and Rootfs exclude each other', refused);
    }
    judgeService(unit, tell);
    const group = last(unit, section, 'Group');
    if (
      group !== undefined &&
      lastValue(unit, section, 'Group') !== '' &&
      (lastValue(unit, section, 'User') ?? '') === ''
    ) {
      tell(placeOf(group), 'key_missing', 'Group needs User beside it', refused);
    }
    for (const one of all(unit, section, 'ExposeHostPort')) {
      if (!/[0-9]+(-[0-9]+)?(\/udp|\/tcp)?$/.test(one.value)) {
        tell(placeOf(one), 'bad_port', `${one.value} is no port`, refused);
      }
    }
  },
  volume(unit, section, tell) {
    if (lastValue(unit, section, 'Driver') === 'image') {
      if (last(unit, section, 'Image') === undefined) {
        const at = placeOf(last(unit, section, 'Driver')!);
        tell(at, 'key_missing', 'the driver image needs Image', refused);
      }
      return;
    }
    if ((lastValue(unit, section, 'Device') ?? '') !== '') return;
    for (const key of ['Type', 'Options']) {
      if ((lastValue(unit, section, key) ?? '') === '') continue;
      tell(placeOf(last(unit, section, key)!), 'key_missing', `${key} needs Device beside it`, refused);
    }
  },
  network(unit, section, tell) {
    const subnets = all(unit, section, 'Subnet');
    for (const key of ['Gateway', 'IPRange']) {
      const given = all(unit, section, key);
      const extra = given[subnets.length];
      if (extra === undefined) continue;
      const message =
        subnets.length === 0 ? `${key} needs Subnet beside it` : `there are more ${key} than Subnet lines`;
      tell(placeOf(extra), 'key_missing', message, refused);
    }
  },
  kube(unit, section, tell) {
    needs(unit, section, 'Yaml', tell);
    judgeService(unit, tell);
    const where = lastValue(unit, section, 'SetWorkingDirectory') ?? '';
    if (where !== '' && !/^(yaml|unit)$/i.test(where)) {
      const at = placeOf(last(unit, section, 'SetWorkingDirectory')!);
      tell(at, 'bad_value', 'SetWorkingDirectory of a .kube file is yaml or unit', refused);
    }
  },
  image: (unit, section, tell) => needs(unit, section, 'Image', tell),
  artifact: (unit, section, tell) => needs(unit, section, 'Artifact', tell),
  build: judgeBuild,
  pod: () => {},
};

function needs(unit: Unit, section: string, key: string, tell: Tell): void {
  if ((lastValue(unit, section, key) ?? '') !== '') return;
  tell(unitPlace(unit), 'key_missing', `a .${unit.name.kind} file needs ${key}`, {
    ...refused,
    suggestion: unit.sections.has(section) ? '' : `There is no section [${section}].`,
  });
}

function judgeService(unit: Unit, tell: Tell): void {
  const mode = lastValue(unit, 'Service', 'KillMode');
  if (mode !== undefined && mode !== 'mixed' && mode !== 'control-group') {
    const at = placeOf(last(unit, 'Service', 'KillMode')!);
    tell(at, 'bad_value', `KillMode is mixed or control-group here, not ${mode}`, refused);
  }
  const type = lastValue(unit, 'Service', 'Type');
  if (type !== undefined && type !== 'notify' && type !== 'oneshot') {
    const at = placeOf(last(unit, 'Service', 'Type')!);
    tell(at, 'bad_value', `Type of the service is notify or oneshot here, not ${type}`, refused);
  }
}

const isUrl = (text: string): boolean => /^((https?)|(git):\/\/)|(github\.com\/).+$/.test(text);

function judgeBuild(unit: Unit, section: string, tell: Tell): void {
  if (all(unit, section, 'ImageTag').length === 0) {
    tell(unitPlace(unit), 'key_missing', 'a .build file needs ImageTag', refused);
    return;
  }
  const where = last(unit, section, 'SetWorkingDirectory');
  const said = lastValue(unit, section, 'SetWorkingDirectory') ?? '';
  const file = lastValue(unit, section, 'File');
  const own = lastValue(unit, 'Service', 'WorkingDirectory') ?? '';
  const word = said.toLowerCase();
  if (word === 'yaml') {
    tell(placeOf(where!), 'bad_value', 'SetWorkingDirectory=yaml is for .kube files', refused);
    return;
  }
  if (word === 'file' && file === undefined) {
    tell(placeOf(where!), 'key_missing', 'SetWorkingDirectory=file needs File', refused);
    return;
  }
  const isKeyword = word === 'file' || word === 'unit';
  // A path or URL is the context, unless the service says its own folder and the path is relative.
  const relative = said !== '' && !isKeyword && !said.startsWith('/') && !isUrl(said);
  const context = said !== '' && !isKeyword && !(relative && own !== '');
  const folder = own !== '' || relative || word === 'unit' || (word === 'file' && file !== '');
  if (context) return;
  if (!folder && (file ?? '') === '') {
    tell(unitPlace(unit), 'key_missing', 'a .build file needs SetWorkingDirectory or File', refused);
  } else if (!folder && !file!.startsWith('/') && !isUrl(file!)) {
    const at = placeOf(last(unit, section, 'File')!);
    tell(at, 'key_missing', 'a relative File needs SetWorkingDirectory', {
      ...refused,
      suggestion: 'Say SetWorkingDirectory=unit.',
    });
  }
}

/** How users are mapped: by the keys of today, or by RemapUsers, never both. */
function judgeMappings(unit: Unit, section: string, kind: QuadletKind, tell: Tell): void {
  const words = (key: string): Assigned[] =>
    all(unit, section, key).flatMap((one) => splitWords(one.value, 'list').words.map(() => one));
  const isSaid = (key: string): boolean => (lastValue(unit, section, key) ?? '') !== '';
  const mapped =
    isSaid('UserNS') ||
    words('UIDMap').length > 0 ||
    words('GIDMap').length > 0 ||
    isSaid('SubUIDMap') ||
    isSaid('SubGIDMap');
  const remap = last(unit, section, 'RemapUsers');
  if (mapped) {
    const old = ['RemapUid', 'RemapGid', 'RemapUsers'].flatMap((key) => last(unit, section, key) ?? [])[0];
    if (old !== undefined) {
      tell(placeOf(old), 'keys_clash', `${old.key} excludes UserNS, UIDMap and their like`, refused);
    }
    return;
  }
  const uids = words('RemapUid');
  const gids = words('RemapGid');
  const how = remap?.value ?? '';
  if (how === '') {
    for (const one of [uids[0], gids[0]]) {
      if (one !== undefined) tell(placeOf(one), 'key_missing', `${one.key} needs RemapUsers`, refused);
    }
  } else if (how === 'manual') {
    if (kind === 'kube') {
      tell(placeOf(remap!), 'bad_value', 'RemapUsers=manual is not for .kube files', refused);
    }
  } else if (how === 'keep-id') {
    for (const extra of [uids[1], gids[1]]) {
      const message = 'RemapUsers=keep-id takes one mapping alone';
      if (extra !== undefined) tell(placeOf(extra), 'bad_value', message, refused);
    }
  } else if (how !== 'auto') {
    tell(placeOf(remap!), 'bad_value', `RemapUsers is manual, auto or keep-id, not ${how}`, refused);
  }
}
