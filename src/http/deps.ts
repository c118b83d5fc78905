import type { Control } from '../control/control.ts';
import type { Timers } from '../store/port.ts';
import type { Log } from './log.ts';

export type HttpLimits = {
  /** From the first byte of a request's body to the last. */
  readonly bodyDeadlineMs: number;
  /** The same of a body that is bytes, which may be sixteen times as large. */
  readonly bytesDeadlineMs: number;
  /** Comments that keep a stream open through proxies. */
  readonly keepAliveMs: number;
  /** Requests of one token at once, and one more every so many ms. */
  readonly tokenBurst: number;
  readonly tokenEveryMs: number;
  /** The same of the operator and of each relay. */
  readonly ownBurst: number;
  readonly ownEveryMs: number;
  /** Requests of one caller that are open at once, parked ones included. */
  readonly openAtOnce: number;
  /** Failed authentications of one address before it is told that they are too many. */
  readonly failureBurst: number;
  readonly failureEveryMs: number;
};

export const defaultLimits: HttpLimits = {
  bodyDeadlineMs: 30_000,
  bytesDeadlineMs: 120_000,
  keepAliveMs: 15_000,
  tokenBurst: 60,
  tokenEveryMs: 500,
  ownBurst: 400,
  ownEveryMs: 10,
  openAtOnce: 32,
  failureBurst: 20,
  failureEveryMs: 3_000,
};

/** What the API tells of itself. */
export type DocumentName = 'openapi.json' | 'reference.html' | 'errors.html';

/** The bytes of a document, which all answers share. Rejects where it cannot be read. */
export type Documents = (name: DocumentName) => Promise<Uint8Array<ArrayBuffer>>;

export type HttpDeps = {
  readonly control: Control;
  /** Unix milliseconds. */
  now(): number;
  readonly timers: Timers;
  readonly log: Log;
  readonly limits?: Partial<HttpLimits>;
  /** Names a fault in the log and in the answer alike. */
  newFaultId(): string;
  /** Aborts when the server is closing: parked requests are answered, streams end. */
  readonly closing?: AbortSignal;
  /** Made on the spot, or beforehand where the code that makes them is too much. */
  readonly documents: Documents;
  /** The Debian package of the relay that hosts fetch from here; null where there is none. */
  readonly relayPackage?: () => Promise<Uint8Array<ArrayBuffer> | null>;
};

/** What the listener knows of a request beside the request. */
export type Surroundings = {
  /** Path and query as they stand in the request line. */
  readonly target?: string;
  /** The peer's address. Headers that a proxy may have set are never believed. */
  readonly source?: string;
  /** What the tailnet calls the peer, for the log: soon there, null if unknown. It authorises nothing. */
  readonly peer?: Promise<string | null> | undefined;
  /** To be told who has shown valid credentials: their connection is not closed to make room for others. */
  readonly known?: (who: string) => void;
};
