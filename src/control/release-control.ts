import type { InferOutput } from 'valibot';
import type {
  DeploymentView,
  ReleaseRequest,
  TargetView,
  targetListSchema,
} from '../../schema/api/deployments.ts';
import type { CertificateReport } from '../../schema/wire/report.ts';
import type { Answer, ReleaseReason } from '../domain/errors.ts';
import type { Grant } from '../domain/principal.ts';

export type TargetList = InferOutput<typeof targetListSchema>;

/** What is measured of a target; null where nobody has seen it. */
export type TargetMetrics = Pick<TargetView, 'target' | 'relay' | 'deployed' | 'healthy' | 'synced'> & {
  /** The part in force, and the commit of the release that brought it. */
  readonly part: string | null;
  readonly commit: string | null;
  readonly drifted: number | null;
  /** As its relay last told of them. */
  readonly certificates: readonly CertificateReport[];
  /** When a release last came up on it, in ms. */
  readonly healthyAt: number | null;
};

export type DeploymentFilter = {
  /** Only those with a part for it. */
  readonly target?: string;
  /** At most so many, the newest first; 1 to 200. */
  readonly limit?: number;
  /** Only those made before this one (its id), to page on. */
  readonly before?: string;
};

/** `replayed`: the very order was accepted before. */
export type Released = { readonly deployment: DeploymentView; readonly replayed: boolean };

export type ReleaseControl = {
  /** Which of these blobs are not here; those that are will be for a day at least. */
  missing(digests: readonly string[]): Promise<readonly string[]>;
  /** Keeps bytes under their digest, which the caller compared. The same again changes nothing. */
  putBlob(grant: Grant, digest: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Null where it is not here. */
  blob(digest: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** A blob that a part for this relay names, or the part itself; null for any other, here or not. */
  blobFor(relay: string, digest: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Accepts an order that the operator signed as a deployment, once all that it names is here. */
  release(grant: Grant, request: ReleaseRequest): Promise<Answer<Released, ReleaseReason>>;
  deployment(id: string): Promise<DeploymentView | null>;
  deployments(filter: DeploymentFilter): Promise<readonly DeploymentView[]>;
  /** The deployment once nothing more of it is to come, or as it is after `ms` or when `signal` aborts. Null: unknown. */
  wait(id: string, ms: number, signal: AbortSignal): Promise<DeploymentView | null>;
  targets(): Promise<TargetList>;
};
