import type { Tell } from './finding.ts';
import type { Needs } from './needs.ts';
import type { Unit } from './unit.ts';

/** What the rules know of a machine besides the unit that they judge. */
export type Machine = {
  /** The version of Podman there: `5.4`. */
  readonly podman: string;
  /** Quadlet units that can be read, by name: `web.container`. */
  readonly units: ReadonlyMap<string, Unit>;
  /** Units that the generator refuses, as far as they have been judged. */
  readonly refused: ReadonlySet<string>;
  /** Names of secrets that units may use; undefined where nobody knows them. */
  readonly secrets: ReadonlySet<string> | undefined;
  /** Networks and volumes that something else makes. */
  readonly networks: ReadonlySet<string>;
  readonly volumes: ReadonlySet<string>;
};

/** What each unit names, in the order in which Podman converts them. */
export type Needing = readonly { readonly unit: Unit; readonly needs: Needs }[];

/** Looks at one unit. */
export type Rule = (unit: Unit, machine: Machine, tell: Tell) => void;
