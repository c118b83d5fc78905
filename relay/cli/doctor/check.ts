import type { Finding } from '../../../schema/doctor.ts';
import type { Result } from '../../../schema/result.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import type { Clock } from '../../agent/clock.ts';
import type { RelayConfig } from '../../agent/config.ts';
import type { Proxmox } from '../../drivers/proxmox.ts';
import type { ProxmoxRights } from '../../drivers/proxmox-rights.ts';

/** What a program printed; null when there is no such program. */
export type Ran = { readonly status: number; readonly out: string } | null;

/** A file's owner and mode; null when it is not there. */
export type FileFacts = { readonly uid: number; readonly mode: number; readonly isFolder: boolean } | null;

/** What the checks look at. Nothing of it changes anything. */
export type Patient = {
  readonly stateDir: string;
  readonly credentials: string;
  readonly clock: Clock;
  readonly isRoot: boolean;
  readonly nodeVersion: string;
  readonly relay: string;
  readonly trust: Trust;
  readonly config: RelayConfig | null;
  /** Null on a host without Proxmox VE; a text says why it cannot be asked. */
  readonly proxmox: { readonly api: Proxmox; readonly rights: ProxmoxRights } | string | null;
  /** What the helper as root keeps, which root alone can see; none where this is not the packaged relay. */
  readonly helper:
    | Result<{ readonly home: string; readonly relay: string; readonly version: number }, string>
    | 'not_root'
    | 'none';
  readonly helperFolder: string;
  run(argv: readonly string[]): Promise<Ran>;
  stat(path: string): Promise<FileFacts>;
  list(folder: string): Promise<readonly string[] | null>;
  read(path: string): Promise<string | null>;
};

/** One group of checks. */
export type Check = (patient: Patient) => Promise<readonly Finding[]>;
