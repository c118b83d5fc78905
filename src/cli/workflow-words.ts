import { type GithubPins, githubIssuer, issuerOf } from '../../schema/github/pins.ts';
import type { House } from '../../schema/trust/document.ts';
import type { TrustGrant } from '../../schema/trust/grant.ts';
import { grantInWords } from './grant-words.ts';
import { listed } from './text.ts';

const either = (names: readonly string[]): string => listed(names).replace(' and ', ' or ');

/** `GitHub workflow deploy.yml of repository 123 on main` */
export const workflowInWords = ({ workflow, repository_id, ref }: GithubPins): string =>
  `GitHub workflow ${workflow.slice('.github/workflows/'.length)} of repository ${repository_id} on ${ref.slice('refs/heads/'.length)}`;

/** What else a token must say to be of a workflow, in one clause. */
export function conditionsInWords(pins: GithubPins): string {
  const issuer = issuerOf(pins);
  return [
    `the owner ${pins.repository_owner_id}`,
    `the environment ${pins.environment}`,
    `the event ${either(pins.event_name)}`,
    pins.runner_environment === undefined ? 'a runner of GitHub’s own' : 'a runner of yours',
    `run ${pins.min_run} or a later one`,
    ...(issuer === githubIssuer ? [] : [`the issuer ${issuer}`]),
  ].join(', ');
}

/** What a workflow may do, a line a right: only virtual machines take its releases. */
export function workflowRights(may: readonly TrustGrant[], house: House): string[] {
  return may.flatMap((grant) => {
    const [taken, not] = [true, false].map((wanted) =>
      grant.on.filter((target) => isVirtual(house, target) === wanted),
    ) as [string[], string[]];
    return [
      ...(taken.length > 0 ? grantInWords({ ...grant, on: taken }, house) : []),
      ...(not.length > 0
        ? grantInWords({ ...grant, on: not }, house).map(
            (right) => `${right} (which is not taken there yet: workflows release to virtual machines alone)`,
          )
        : []),
    ];
  });
}

const isVirtual = ({ guests }: House, target: string): boolean =>
  Object.hasOwn(guests, target) && guests[target]?.kind === 'qemu';
