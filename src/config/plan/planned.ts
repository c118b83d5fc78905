import type { FileChange } from '../../../schema/change/files.ts';
import type { SecretChange, UnitChange } from '../../../schema/change/units.ts';
import type { ReleaseApp, ReleaseFile } from '../../../schema/wire/release.ts';
import type { FactChange } from './facts.ts';

/** A file of the plan. `diff` is a unified diff, absent where the bytes stay, and null for bytes that are no text. */
export type PlannedFile = {
  readonly path: string;
  readonly kind: FileChange['kind'];
  /** Of one that is changed. */
  readonly what?: 'content' | 'attributes' | 'listing';
  /** As it will be; absent for one that is removed. */
  readonly after?: ReleaseFile;
  readonly diff?: string | null;
};

export type PlannedApp = {
  readonly app: string;
  /** As it will be; absent for one that goes. */
  readonly after?: ReleaseApp;
  readonly units: readonly UnitChange[];
  readonly files: readonly PlannedFile[];
  /** By name alone. */
  readonly secrets: readonly SecretChange[];
  /** What else changes, in words: health checks, ports, folders, commands. */
  readonly settings: readonly string[];
};

export type PlannedTarget = {
  readonly target: string;
  /** The host whose relay does it; absent for a device, whose files a person puts there. */
  readonly relay?: string;
  /** Apps with something to do, sorted. */
  readonly apps: readonly PlannedApp[];
  /** Names of the apps that nothing touches. */
  readonly untouched: readonly string[];
};

/** What would happen if one release followed another. */
export type Plan = {
  /** Digests of the two releases; the first is null where there was none. */
  readonly before: string | null;
  readonly after: string;
  /** Targets with something to do, sorted. */
  readonly targets: readonly PlannedTarget[];
  /** Routes, DNS names, access rules and flows, in words. */
  readonly facts: readonly FactChange[];
  readonly risks: readonly Risk[];
};

/** Something to look at twice before it is done. */
export type Risk = {
  readonly code: 'control_plane' | 'access_widened' | 'source_trusted' | 'volume_removed' | 'folder_pruned';
  readonly target?: string;
  readonly app?: string;
  /** One sentence, without a full stop; names stand in backquotes. */
  readonly text: string;
};
