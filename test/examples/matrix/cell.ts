export const vantages = ['public', 'home', 'tailnet', 'taken'] as const;
/**
 * From where somebody comes: the internet, the network at home, a device of theirs on the tailnet; `taken` is the
 * public machine itself in a stranger's hand, who asks any door with any address that a PROXY header can tell.
 */
export type Vantage = (typeof vantages)[number];

export const people = ['anonymous', 'family', 'admin'] as const;
/** Who comes: somebody who has not signed in, or has, and can give two factors. */
export type Person = (typeof people)[number];

export const groupsOf: Readonly<Record<Person, readonly string[]>> = {
  anonymous: [],
  family: ['family'],
  admin: ['admins', 'family'],
};

/** Whose the device on the tailnet is: who has not signed in holds one of the family's. */
export const ownerOf: Readonly<Record<Person, 'family' | 'admin'>> = {
  anonymous: 'family',
  family: 'family',
  admin: 'admin',
};

/** One request over HTTPS. */
export type Probe = {
  readonly host: string;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
};

/** What becomes of a request, by the manifest or by the files. */
export type Verdict = {
  /**
   * Where the name leads, in the words of who asks: an address at home, the machine on the tailnet, `outside` where
   * the internet's DNS says it; null where nothing does.
   */
  readonly resolves: string | null;
  /** Which door the connection gets to: `machine:home`, `machine:public`, `machine:straight`; null for none. */
  readonly arrives: string | null;
  /** `container:port`, `address:port` or the proxy's own service that the door has for the request; null for none. */
  readonly answers: string | null;
  /** What the person would have to show; null where that is not asked, or nothing that they show would do. */
  readonly asks: 'one_factor' | 'two_factor' | null;
  readonly outcome: 'in' | 'asked' | 'denied' | 'nothing';
};

export const nothing = {
  arrives: null,
  answers: null,
  asks: null,
  outcome: 'nothing',
} as const satisfies Omit<Verdict, 'resolves'>;

export const tellProbe = ({ host, path, method, headers }: Probe): string =>
  [method, `${host}${path}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].join(
    ' ',
  );
