/** Put in by the build of the packages; not there in a checkout. */
declare const WRIT_RELAY_PACKAGE: RelayPackage | null | undefined;

/** The package of the relay that goes with this program. */
export type RelayPackage = {
  readonly version: string;
  /** Lower-case hex. Hosts compare it, so that nobody on the way can give them another one. */
  readonly sha256: string;
};

/** Null where this program was not built together with the relay's package. */
export const relayPackage: RelayPackage | null =
  typeof WRIT_RELAY_PACKAGE === 'undefined' ? null : WRIT_RELAY_PACKAGE;
