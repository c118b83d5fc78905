import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import { releaseAudience, statusAudience } from '../../../schema/github/audience.ts';
import { githubClaimsSchema } from '../../../schema/github/claims.ts';
import {
  type GithubPins,
  githubIssuer,
  githubPins,
  issuerOf,
  judgePins,
} from '../../../schema/github/pins.ts';
import { goodClaims, pins } from './fixture.ts';

/** `fits`, or the claim that is not the one that trust names. */
function judge(claims: object, changes: Partial<GithubPins> = {}): string {
  const judged = judgePins({ ...pins, ...changes }, v.parse(githubClaimsSchema, goodClaims({ ...claims })));
  if (judged.ok) return 'fits';
  assert.equal(judged.reason, 'github_stranger');
  const claim = /^its (.+) is not the one that trust names$/.exec(judged.detail!);
  assert.ok(claim !== null, judged.detail);
  return claim[1]!;
}

/** Claims of a workflow by its file, which says so twice. */
const ofFile = (workflow_ref: string) => ({ workflow_ref, job_workflow_ref: workflow_ref });

describe('a verified token', () => {
  test('of the workflow that trust names fits', () => {
    assert.equal(judge({}), 'fits');
    assert.equal(judge({}, { event_name: ['schedule', 'workflow_dispatch', 'push'] }), 'fits');
    for (const event_name of ['push', 'workflow_dispatch', 'schedule'] as const) {
      assert.equal(judge({ event_name }, { event_name: [event_name] }), 'fits');
    }
  });

  test('threat 22: of a pull request, or of another event that anybody can set off, does not', () => {
    const events = [
      'pull_request',
      'pull_request_target',
      'workflow_run',
      'issue_comment',
      'release',
      'Push',
    ];
    for (const event_name of [...events, 'schedule', 'push ']) {
      assert.equal(judge({ event_name }), 'event_name', event_name);
    }
    // As GitHub has it of one from a fork: the ref is the base branch, the rest fits.
    assert.equal(
      judge({ event_name: 'pull_request_target', head_ref: 'evil', base_ref: 'main' }),
      'event_name',
    );
    assert.equal(judge({ event_name: 'pull_request', ref: 'refs/pull/7/merge' }), 'ref');
  });

  test('threat 22: of a fork, or of a repository that took over the name, does not', () => {
    assert.equal(judge({ repository_id: '1296270' }), 'repository_id');
    assert.equal(judge({ repository_id: '01296269' }), 'repository_id');
    assert.equal(judge({ repository_owner_id: '583232' }), 'repository_owner_id');
  });

  test('of a renamed repository or owner fits: names count for nothing', () => {
    const renamed = 'hubot/house/.github/workflows/deploy.yml@refs/heads/main';
    const names = { repository: 'hubot/house', repository_owner: 'hubot', sub: 'x', actor: 'hubot' };
    assert.equal(judge({ ...ofFile(renamed), ...names }), 'fits');
    assert.equal(judge(ofFile('a/.github/.github/workflows/deploy.yml@refs/heads/main')), 'fits');
  });

  test('threat 22: of a repository that was given to another owner does not', () => {
    const given = 'mallory/homelab/.github/workflows/deploy.yml@refs/heads/main';
    assert.equal(judge({ ...ofFile(given), repository_owner_id: '666' }), 'repository_owner_id');
  });

  test('threat 22: of another file, or of one elsewhere in the tree, does not', () => {
    const file = '.github/workflows/deploy.yml@refs/heads/main';
    for (const workflow_ref of [
      ...['octocat/homelab/.github/workflows/other.yml@refs/heads/main', `octocat/homelab/x/${file}`],
      ...[`a/b/.github/x/${file}`, `a/b/c/${file}`, `b/${file}`, file, `/${file}`, `//${file}`, `/b/${file}`],
      ...[`a//${file}`, `a/b//${file}`, `a@b/c/${file}`, `a/b@c/${file}`, `a/b/${file}\n`, `a/b/${file} `],
      ...[
        'a/b/.github/workflows/deploy.yml',
        `a/b/${file}@refs/heads/main`,
        `\na/b/${file}`,
        `x y\n/b/${file}x`,
      ],
      ...['a/b/.github/workflows/deploy.yml@refs/heads/other', 'a/b/.github/workflows/deploy.yml@main'],
      ...[
        'a/b/.github/workflows/Deploy.yml@refs/heads/main',
        'a/b/.github/workflows/deploy.yaml@refs/heads/main',
      ],
      ...['a/b/', 'a/b', 'a/b/x'],
    ]) {
      assert.equal(judge(ofFile(workflow_ref)), 'workflow_ref', workflow_ref);
    }
  });

  test('threat 22: of a reusable workflow that trust does not name does not', () => {
    const job_workflow_ref = 'octocat/shared/.github/workflows/deploy.yml@refs/heads/main';
    assert.equal(judge({ job_workflow_ref }), 'job_workflow_ref');
    // The same file of the same repository, by another ref.
    assert.equal(
      judge({ job_workflow_ref: 'octocat/homelab/.github/workflows/deploy.yml@refs/tags/v1' }),
      'job_workflow_ref',
    );
  });

  test('threat 22: of a tag, another branch, or a ref that is called like one, does not', () => {
    for (const ref of ['refs/tags/main', 'refs/heads/other', 'main', 'refs/heads/main ', 'refs/heads/Main']) {
      assert.equal(judge({ ref }), 'ref', ref);
    }
    assert.equal(judge({ ref_type: 'tag' }), 'ref_type');
  });

  test('threat 22: of another environment does not', () => {
    for (const environment of ['production', 'Home', 'home ']) {
      assert.equal(judge({ environment }), 'environment', environment);
    }
  });

  test('threat 22: of a runner of one’s own does where trust says so, and then of no other', () => {
    assert.equal(judge({ runner_environment: 'self-hosted' }), 'runner_environment');
    assert.equal(judge({ runner_environment: 'other' }), 'runner_environment');
    const own = { runner_environment: 'self-hosted' } as const;
    assert.equal(judge(own, own), 'fits');
    assert.equal(judge({}, own), 'runner_environment');
  });

  test('threat 22: of a run before those that are trusted does not; which of them is the newest, the floors say', () => {
    assert.equal(judge({ run_id: '41' }, { min_run: 42 }), 'run_id');
    assert.equal(judge({ run_id: '42' }, { min_run: 42 }), 'fits');
    assert.equal(judge({ run_id: '43', run_attempt: '7' }, { min_run: 42 }), 'fits');
  });

  test('threat 22: of another issuer than the one that is pinned does not', () => {
    const issuer = 'https://ghe.example.net/_services/token';
    assert.equal(judge({ iss: issuer }), 'iss');
    assert.equal(judge({}, { issuer }), 'iss');
    assert.equal(judge({ iss: issuer }, { issuer }), 'fits');
    assert.equal(judge({ iss: githubIssuer }, { issuer: githubIssuer }), 'fits');
    assert.equal(issuerOf({}), 'https://token.actions.githubusercontent.com');
    assert.equal(issuerOf({ issuer }), issuer);
  });
});

describe('what trust pins', () => {
  const schema = v.strictObject(githubPins);
  const accepts = (changes: object): boolean => v.is(schema, { ...pins, ...changes });
  const told = (changes: object): string | undefined =>
    v.safeParse(schema, { ...pins, ...changes }).issues?.[0].message;

  test('is exact: each member in one form, and none that covers more', () => {
    const cases: Readonly<Record<string, readonly [good: readonly unknown[], bad: readonly unknown[]]>> = {
      issuer: [
        [undefined, 'https://ghe.example.net/_services/token', 'http://127.0.0.1:80'],
        ['https://ghe.example.net/', 'http://example.net', 'https://a@example.net', '', null, 'x', 7],
      ],
      repository_id: [
        ['1', '9'.repeat(19)],
        ['', '0', '01', '-1', '1.0', ' 1', '1 ', '1\n', '9'.repeat(20), 1, null, undefined, '*'],
      ],
      repository_owner_id: [
        ['583231', '9'.repeat(19)],
        ['', '0', '01', 583_231, undefined],
      ],
      workflow: [
        [
          '.github/workflows/a.yml',
          '.github/workflows/A_b.c-1.yaml',
          `.github/workflows/${'a'.repeat(100)}.yml`,
        ],
        [
          ...[
            'deploy.yml',
            '.github/workflows/deploy',
            '.github/workflows/.yml',
            '.github/workflows/a/b.yml',
          ],
          ...['x/.github/workflows/a.yml', '.github/workflows/*.yml', '.github/workflows/a.yml@main', ''],
          ...['.github/workflows/a.yml ', ' .github/workflows/a.yml', '.github/workflows/a.ymll', undefined],
          ...[
            '.github/workflows/axyml',
            `.github/workflows/${'a'.repeat(101)}.yml`,
            'xgithub/workflows/a.yml',
          ],
        ],
      ],
      ref: [
        ['refs/heads/main', 'refs/heads/a/b-c_d.1', 'refs/heads/_', `refs/heads/${'a'.repeat(200)}`],
        [
          ...['main', 'refs/tags/v1', 'refs/heads/', 'refs/heads/*', 'refs/heads/-a', 'refs/heads/.a', ''],
          ...['refs/heads/main ', ' refs/heads/main', 'refs/heads/a b', 'refs/pull/1/merge', undefined],
          ...[`refs/heads/${'a'.repeat(201)}`, 'xrefs/heads/main'],
        ],
      ],
      event_name: [
        [['push'], ['workflow_dispatch'], ['schedule'], ['push', 'workflow_dispatch', 'schedule']],
        [
          ...[[], ['pull_request'], ['pull_request_target'], ['push', 'workflow_run'], 'push', undefined],
          ['push', 'push', 'push', 'push'],
        ],
      ],
      environment: [
        ['home', 'My home_1.2-x', '_', 'a'.repeat(100)],
        ['', ' home', '*', '-a', '.a', 'a/b', 'a'.repeat(101), 'home\n', null, undefined],
      ],
      runner_environment: [
        [undefined, 'self-hosted'],
        ['github-hosted', '', null, ['self-hosted']],
      ],
      min_run: [
        [0, 9_000_000_001],
        [-1, 1.5, '0', null, undefined, 2 ** 53],
      ],
    };
    assert.deepEqual(Object.keys(cases).sort(), Object.keys(githubPins).sort());
    for (const [member, [good, bad]] of Object.entries(cases)) {
      for (const value of good)
        assert.ok(accepts({ [member]: value }), `${member}: ${JSON.stringify(value)}`);
      for (const value of bad)
        assert.ok(!accepts({ [member]: value }), `${member}: ${JSON.stringify(value)}`);
    }
    assert.ok(!accepts({ actor: 'octocat' }));
  });

  test('says what it must be where it is not', () => {
    assert.equal(told({ issuer: 'https://example.net/' }), 'must not end in a slash');
    assert.equal(told({ repository_id: 'x' }), 'must be a number of GitHub’s, such as 1296269');
    assert.equal(told({ environment: '*' }), 'must be plain letters and digits');
    assert.equal(told({ workflow: 'x' }), 'must be such as .github/workflows/writ.yml');
    assert.equal(told({ ref: 'x' }), 'must be such as refs/heads/main');
  });
});

test('audiences name the home, what is authorised and its very bytes', () => {
  const digest = `sha256:${'a'.repeat(64)}` as const;
  assert.equal(releaseAudience('h_1', digest), `writ:h_1:release:${digest}`);
  assert.equal(statusAudience('h_1'), 'writ:h_1:status');
});
