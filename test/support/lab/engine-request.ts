import type { Activation } from '../../../relay/deploy/activate.ts';
import type { TargetSight } from '../../../relay/deploy/look-target.ts';
import type { Phase } from '../../../relay/deploy/phases.ts';

/** What goes wrong, before or after the given call to the machine or the control plane of a phase (the first is 1). */
export type LabFault = {
  readonly phase: Phase;
  readonly call: number;
  readonly when: 'before' | 'after';
  /**
   * `kill`: the program ends as by SIGKILL; `hang`: it says so and waits, for the guest to be cut; `fill`: the folders
   * named in `disks` are filled up; `cut`: from then on there is no way to the machine; `api`: from then on the control
   * plane answers nothing.
   */
  readonly kind: 'kill' | 'hang' | 'fill' | 'cut' | 'api';
};

/** What the engine is asked in a guest. */
export type EngineRequest = {
  /** `settle`: looks, goes back from what a crash left, and looks again. */
  readonly do: 'activate' | 'go-back' | 'look' | 'settle';
  /** A release file in the guest, and whose part of it. */
  readonly release?: string;
  readonly target?: string;
  readonly again?: boolean;
  readonly fault?: LabFault;
  /** Whether no bytes can be had. */
  readonly lost?: boolean;
  /** Small file systems that a fault fills. */
  readonly disks?: readonly string[];
  /** How many times more often health is looked at. */
  readonly pace?: number;
  /** `exec`: as if there were no way to the guest but programs that are run there, as by its agent. */
  readonly by?: 'host' | 'exec';
  /** A file in the guest in which all is kept that goes between the engine and the machine. */
  readonly record?: string;
  /** Of a look: how often. */
  readonly times?: number;
};

/** What was asked of the machine and the control plane: how often each method, by phase; and how many programs were run for it. */
export type Asked = {
  readonly phases: Readonly<Record<string, number>>;
  readonly methods: Readonly<Record<string, number>>;
  readonly programs: number;
};

export type EngineAnswer = {
  readonly asked: Asked;
  /** Milliseconds that each took. */
  readonly ms: readonly number[];
  readonly activation?: Activation;
  /** What the wire is told. */
  readonly progress?: readonly string[];
  readonly back?: { readonly ok: boolean; readonly reason?: string; readonly detail?: string };
  readonly sight?: TargetSight;
  /** Of `settle`: what was seen first. */
  readonly before?: TargetSight;
};
