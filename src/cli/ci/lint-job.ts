import { isRecord, textsIn, type Yaml, type YamlRecord } from './workflow-yaml.ts';

type Path = readonly (string | number)[];
/** Notes a finding at a place. */
export type Tell = (path: Path, code: string, message: string) => void;

/** An action of a repository by its commit; an image by its digest. */
const pinnedAction = /^[A-Za-z0-9_.-]+\/[A-Za-z0-9_./-]+@[0-9a-f]{40}$/;
const pinnedImage = /^docker:\/\/\S+@sha256:[0-9a-f]{64}$/;
/** What GitHub puts in for it; a text within may hold braces. */
const expressions = /\$\{\{((?:'[^']*'|[^'}]|\}(?!\}))*)\}\}/g;
/**
 * What a pull request's author, a committer or a commenter writes: by its name, by an index, or with all that GitHub tells.
 * Names count in any case.
 */
const foreignName =
  /(?<![.\w-])github\b(?!\s*\.\s*(?!head_ref\b|\*|event\b(?!\s*\.\s*(?:number|action)\b))[a-z_])/i;

/** Whether GitHub would put words of others into a text. */
const hasForeignText = (text: string): boolean =>
  [...text.matchAll(expressions)].some(([, inside]) => foreignName.test(inside!.replace(/'[^']*'/g, "''")));

const permissionsOf = (job: YamlRecord): Yaml => job.permissions;

/** Whether a job could have an ID token of GitHub's. */
export function mayAskForTokens(job: YamlRecord): boolean {
  const permissions = permissionsOf(job);
  return permissions === 'write-all' || (isRecord(permissions) && permissions['id-token'] === 'write');
}

/** What no job may do. */
export function judgeJob(path: Path, job: YamlRecord, events: readonly string[], tell: Tell): void {
  if (permissionsOf(job) === 'write-all') {
    tell([...path, 'permissions'], 'permissions_wide', 'it may write everything');
  }
  if (job.secrets !== undefined) {
    tell([...path, 'secrets'], 'secrets_passed', 'it hands secrets to another workflow');
  }
  if (typeof job.uses === 'string') judgeUses([...path, 'uses'], job.uses, tell);
  const isSelfHosted = textsIn(job['runs-on']).some(({ text }) => text === 'self-hosted');
  // A job with ID tokens never runs for a stranger: GitHub gives those of forks none.
  if (isSelfHosted && events.includes('pull_request') && !mayAskForTokens(job)) {
    tell([...path, 'runs-on'], 'runner_shared', 'pull requests of strangers would run on a machine of yours');
  }
  if (!Array.isArray(job.steps)) return;
  for (const [index, step] of job.steps.entries()) {
    if (!isRecord(step)) continue;
    const at = [...path, 'steps', index];
    if (typeof step.uses === 'string') judgeUses([...at, 'uses'], step.uses, tell);
    for (const path of [['run'], ['with', 'script']] as const) {
      const script = path.length === 1 ? step.run : isRecord(step.with) ? step.with.script : undefined;
      if (typeof script !== 'string' || !hasForeignText(script)) continue;
      tell(
        [...at, ...path],
        'script_injection',
        'what somebody else writes would be part of the script: pass it by env',
      );
    }
    const keeps = isRecord(step.with) ? step.with['persist-credentials'] : undefined;
    if (typeof step.uses === 'string' && step.uses.startsWith('actions/checkout@') && keeps !== false) {
      tell(at, 'credentials_kept', 'it leaves a token in the folder: say persist-credentials: false');
    }
  }
}

function judgeUses(path: Path, uses: string, tell: Tell): void {
  if (uses.startsWith('./') || pinnedAction.test(uses) || pinnedImage.test(uses)) return;
  tell(
    path,
    'action_unpinned',
    `${uses} is whatever its name means that day: pin it to a commit of 40 digits`,
  );
}

/** What the job that deploys may use: it takes what an earlier job built, and hands it over. */
const mayUse = /^(actions\/download-artifact|[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+\/action\/deploy)@/;

/** What the job that may ask for ID tokens must be: whatever runs there can release. */
export function judgeDeployJob(path: Path, job: YamlRecord, tell: Tell): void {
  const permissions = permissionsOf(job);
  const others = isRecord(permissions)
    ? Object.entries(permissions).filter(([name, right]) => name !== 'id-token' && right === 'write')
    : [];
  for (const [name] of others) {
    tell(
      [...path, 'permissions', name],
      'id_token_wide',
      `a job that deploys needs no right to write ${name}`,
    );
  }
  if (job.environment === undefined) {
    tell(
      path,
      'environment_missing',
      'it names no environment: nobody could be asked, and its token says none',
    );
  }
  for (const name of ['uses', 'container', 'services'] as const) {
    if (job[name] !== undefined) {
      tell([...path, name], 'id_token_shared', `with ${name}, others’ programs run beside ID tokens`);
    }
  }
  for (const { path: inside, text } of textsIn(job)) {
    if (/\$\{\{[^}]*\bsecrets\b/.test(text)) {
      tell([...path, ...inside], 'secret_stored', 'a deployment takes no stored secret');
    }
  }
  for (const [index, step] of (Array.isArray(job.steps) ? job.steps : []).entries()) {
    const at = [...path, 'steps', index];
    if (!isRecord(step)) continue;
    if (step.run !== undefined) {
      tell(
        [...at, 'run'],
        'id_token_shared',
        'a script would run beside ID tokens: do that in an earlier job',
      );
    } else if (typeof step.uses !== 'string' || !mayUse.test(step.uses)) {
      tell(
        [...at, 'uses'],
        'id_token_shared',
        'what is no part of handing over would run beside ID tokens: do that in an earlier job',
      );
    }
  }
}
