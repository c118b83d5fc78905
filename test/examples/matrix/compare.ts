import { addressIn } from './addresses.ts';
import { type Person, type Probe, people, tellProbe, type Vantage, type Verdict, vantages } from './cell.ts';
import { makeOracle, type World } from './oracle.ts';
import { probesOf } from './probes.ts';
import { deviceAddresses, type Files, readPrograms } from './programs.ts';
import type { Route, Said } from './said.ts';
import { walk } from './walk.ts';

export type Disagreement = {
  readonly route: string;
  readonly vantage: Vantage;
  readonly person: Person;
  readonly probe: Probe;
  readonly oracle: Verdict;
  readonly files: Verdict;
  /** What each program said. */
  readonly heard: readonly string[];
};

export type Matrix = {
  /** Routes × vantages × people. */
  readonly cells: number;
  /** Requests in them. */
  readonly probes: number;
  readonly outcomes: Readonly<Record<Verdict['outcome'], number>>;
  readonly disagreements: readonly Disagreement[];
};

/** Holds what the files do against what the manifest means, for each cell. */
export function compareAll(
  files: Files,
  said: Said,
  given: {
    readonly asleep?: ReadonlySet<string>;
    readonly vantages?: readonly Vantage[];
    readonly routes?: readonly Route[];
    readonly isLeftOut?: (route: Route, vantage: Vantage) => boolean;
    /** Other requests than those about each route. */
    readonly probes?: (route: Route) => readonly Probe[];
    /** When what the files do will do; absent: when it is the same. */
    readonly isEnough?: (oracle: Verdict, files: Verdict) => boolean;
  } = {},
): Matrix {
  const programs = readPrograms(files, said);
  // People at home are on the wifi where there is one.
  const network = said.networks.get('wifi') ?? [...said.networks.values()][0]!;
  const world: World = {
    homeAddress: addressIn(network, 77),
    tailnetAddress: deviceAddresses.family,
    ...(given.asleep !== undefined && { asleep: given.asleep }),
  };
  const oracle = makeOracle(said, world);
  const outcomes = { in: 0, asked: 0, denied: 0, nothing: 0 };
  const disagreements: Disagreement[] = [];
  let cells = 0;
  let probes = 0;
  for (const route of given.routes ?? said.routes) {
    for (const vantage of given.vantages ?? vantages) {
      if (given.isLeftOut?.(route, vantage) === true) continue;
      for (const person of people) {
        cells += 1;
        for (const probe of (given.probes ?? probesOf)(route)) {
          probes += 1;
          const expected = oracle.judge(probe, vantage, person);
          const { verdict, heard } = walk(programs, said, probe, vantage, person, world);
          outcomes[expected.outcome] += 1;
          if ((given.isEnough ?? isEqual)(expected, verdict)) continue;
          disagreements.push({
            route: route.id,
            vantage,
            person,
            probe,
            oracle: expected,
            files: verdict,
            heard,
          });
        }
      }
    }
  }
  return { cells, probes, outcomes, disagreements };
}

const isEqual = (a: Verdict, b: Verdict): boolean =>
  a.resolves === b.resolves &&
  a.arrives === b.arrives &&
  a.answers === b.answers &&
  a.asks === b.asks &&
  a.outcome === b.outcome;

/** Disagreements for a person to read: the cell, the oracle, the files, and what each program said. */
export const tellDisagreements = (all: readonly Disagreement[]): string =>
  all
    .map(({ route, vantage, person, probe, oracle, files, heard }) =>
      [
        `${route} × ${vantage} × ${person}: ${tellProbe(probe)}`,
        `  the manifest: ${tellVerdict(oracle)}`,
        `  the files:    ${tellVerdict(files)}`,
        ...heard.map((one) => `    ${one}`),
      ].join('\n'),
    )
    .join('\n');

const tellVerdict = ({ resolves, arrives, answers, asks, outcome }: Verdict): string =>
  `${outcome}${asks === null ? '' : ` (${asks})`}; name ${resolves ?? 'nowhere'}, door ${arrives ?? 'none'}, app ${answers ?? 'none'}`;
