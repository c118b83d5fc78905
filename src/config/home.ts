import type { AppFile, FileEntry } from '../../schema/manifest/app.ts';
import type { Homelab } from '../../schema/manifest/homelab.ts';
import type { RouteEntry } from '../../schema/manifest/route.ts';
import type { RunbookForm } from '../../schema/manifest/runbook.ts';
import type { UseEntry } from '../../schema/manifest/uses.ts';
import type { Place } from './finding.ts';

/**
 * The compiled model: what the repo says, with names resolved and defaults filled in. Generators and templates
 * (`home.*`) read it. Lists are sorted by name, so that nothing depends on the order of files.
 */
export type Home = {
  readonly site: Homelab['site'] & object;
  readonly networks: Readonly<Record<string, HomeNetwork>>;
  readonly hosts: Readonly<Record<string, HomeHost>>;
  readonly guests: Readonly<Record<string, HomeGuest>>;
  /** What no relay manages. */
  readonly devices: Readonly<Record<string, HomeDevice>>;
  /** Who signs in. */
  readonly people: Readonly<Record<string, HomePerson>>;
  readonly access: Readonly<Record<string, HomeAccess>>;
  readonly apps: Readonly<Record<string, HomeApp>>;
  /** Every app in every place, sorted by target, then app. */
  readonly instances: readonly Instance[];
  /** Every route of every instance, sorted by target, app and name. */
  readonly routes: readonly Route[];
  readonly ingress: Ingress;
  /** Every DNS name, sorted. */
  readonly names: readonly DnsName[];
  /** Who speaks to whom, sorted. */
  readonly flows: readonly Flow[];
  /** What is asked for metrics, sorted by target, app and name; of each app once for each that asks. */
  readonly scrapes: readonly Scrape[];
  readonly secrets: Readonly<Record<string, HomeSecret>>;
  readonly vars: Readonly<Record<string, unknown>>;
  readonly generators: Homelab['generators'];
  readonly runbooks: Readonly<Record<string, RunbookForm & { readonly name: string }>>;
  /** By host; one that says nothing is always on, or on demand where it sleeps. */
  readonly power: Readonly<Record<string, Homelab['power'][string]>>;
  readonly ups: Homelab['ups'];
  readonly storage: Homelab['storage'];
  readonly backups: Homelab['backups'];
  readonly notifications: Homelab['notifications'];
};

export type HomeNetwork = Homelab['networks'][string] & { readonly name: string };
export type HomePerson = Homelab['people'][string] & { readonly name: string };
export type HomeAccess = Homelab['access'][string] & {
  readonly name: string;
  /** None: whoever is signed in. */
  readonly groups: readonly string[];
  /** None: from everywhere. */
  readonly from: readonly string[];
};

type Machine = {
  readonly name: string;
  readonly kind: 'host' | 'guest';
  /** Names of the apps there, sorted. */
  readonly apps: readonly string[];
};
export type HomeHost = Homelab['hosts'][string] & Machine & { readonly kind: 'host' };
export type HomeGuest = Omit<Homelab['guests'][string], 'kind'> &
  Machine & {
    readonly kind: 'guest';
    /** `qemu` or `lxc`. */
    readonly type: 'qemu' | 'lxc';
    /** Whether its host may be off: by sleeping, or the guest by being ad hoc. */
    readonly may_sleep: boolean;
  };
/** A thing that no relay manages: apps on it have files alone, which a person puts there. */
export type HomeDevice = Omit<Homelab['devices'][string], 'kind'> &
  Omit<Machine, 'kind'> & {
    readonly kind: 'device';
    /** In its owner's own word: `switch`. */
    readonly type: string;
    readonly may_sleep: false;
    // What other machines may have.
    readonly tailnet?: never;
    readonly podman?: never;
    readonly containers?: never;
  };
/** What carries apps. */
export type Target = HomeHost | HomeGuest | HomeDevice;

export type HomeApp = {
  readonly name: string;
  readonly title: string;
  /** Names of the machines it is on, sorted. */
  readonly on: readonly string[];
  readonly file: AppFile;
};

export type Instance = {
  readonly app: string;
  readonly target: string;
  /** The site's values, then the app's, then those of this place. */
  readonly vars: Readonly<Record<string, unknown>>;
  /** Unit files as they reach the target, drop-ins among them, sorted by name; rendered. */
  readonly units: readonly Unit[];
  readonly files: readonly (FileEntry & { readonly place: Place })[];
  readonly uses: readonly UseEntry[];
  /** Services that systemd runs for it, as `systemctl` names them: `grafana.service`. */
  readonly services: readonly string[];
  readonly secrets: readonly string[];
  readonly place: Place;
};

export type Unit = {
  /** `grafana.container`, or `grafana.container.d/10-more.conf`. */
  readonly name: string;
  readonly text: string;
  readonly mode: string;
  readonly owner: string | number;
  readonly place: Place;
};

export type Route = Omit<RouteEntry, 'host' | 'name'> & {
  readonly name: string;
  readonly app: string;
  readonly target: string;
  /** Whole names, `*.example.net` for any below. */
  readonly hosts: readonly string[];
  /** The machine whose proxy answers. */
  readonly proxy: string;
  /** Where the proxy reaches the app: the container's name on the same machine, else an address. Absent with `service`. */
  readonly upstream?: { readonly host: string; readonly port: number };
  /** Whether what answers may be asleep. */
  readonly may_sleep: boolean;
  readonly place: Place;
};

export type Ingress = {
  /** Ports of every proxy, by the entry point of that name. */
  readonly ports: { readonly home: number; readonly public: number; readonly http: number };
  /** Machines that carry HAProxy, sorted. */
  readonly edges: readonly string[];
  /** Addresses and subnets from which PROXY headers come, sorted. */
  readonly from: readonly string[];
  /** The route that answers for names whose own proxy or app sleeps. */
  readonly waking?: Route;
};

export type DnsName = {
  readonly name: string;
  /** The address at home; absent where the machine states none. */
  readonly address?: string;
  readonly target: string;
  readonly app?: string;
  readonly public: boolean;
};

export type Flow = {
  readonly from: { readonly app: string; readonly target: string };
  readonly to: { readonly app: string; readonly target: string };
  readonly port?: number;
  readonly after: boolean;
  /** The database that it is for; both machines have the secret with the role's password. */
  readonly postgres?: { readonly database: string; readonly role: string; readonly password: string };
  /** The client of the sign-in that it is for; `hash` is a secret, derived from the other where the sign-in is. */
  readonly oidc?: {
    readonly client: string;
    readonly secret: string;
    readonly hash: string;
    readonly redirect: readonly string[];
    readonly access?: string;
  };
};

export type Scrape = Omit<AppFile['metrics'][number], 'name' | 'port' | 'container'> & {
  readonly name: string;
  readonly app: string;
  readonly target: string;
  /** The app that asks: it places an output of the generator `scrape`. */
  readonly by: { readonly app: string; readonly target: string };
  /** Where it asks: the container's name on the same machine, else an address. */
  readonly host: string;
  readonly port: number;
  /** Whether what answers may be asleep. */
  readonly may_sleep: boolean;
  readonly place: Place;
};

export type HomeSecret = {
  readonly name: string;
  /** Machines that need it, sorted. */
  readonly targets: readonly string[];
  /** Apps that use it, sorted. */
  readonly apps: readonly string[];
  /** The secrets that it is derived from on the target. */
  readonly from: readonly string[];
  /** The runbook that captures it. */
  readonly captured?: string;
};
