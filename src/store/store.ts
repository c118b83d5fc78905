import type { Store } from '../domain/ports.ts';
import { auditStore, nonceStore } from './audit-store.ts';
import { blobStore } from './blob-store.ts';
import { commandStore } from './command-store.ts';
import { deploymentStore } from './deployment-store.ts';
import { enrolmentStore } from './enrolment-store.ts';
import type { Database } from './port.ts';
import { relayStore } from './relay-store.ts';
import { tokenStore } from './token-store.ts';
import { houseStore, trustStore } from './trust-store.ts';

/** The control plane's store over a migrated database. */
export const createStore = (database: Database): Store => ({
  trust: trustStore(database),
  house: houseStore(database),
  commands: commandStore(database),
  deployments: deploymentStore(database),
  blobs: blobStore(database),
  relays: relayStore(database),
  enrolments: enrolmentStore(database),
  tokens: tokenStore(database),
  audit: auditStore(database),
  nonces: nonceStore(database),
});
