import { appendFileSync } from 'node:fs';
import { annotation, logText, maskCommand, type Place } from './workflow-command.ts';

/** What a job's runner tells an action, and what an action tells it. */
export type Runner = {
  /** An input of the step; empty where it has none. */
  input(name: string): string;
  /** A variable of the runner's, such as GITHUB_SHA; empty where it has none. */
  variable(name: string): string;
  /** Writes to the log, whoever wrote the text. */
  log(text: string): void;
  annotate(
    level: 'error' | 'warning' | 'notice',
    message: string,
    about?: { readonly title?: string; readonly place?: Place },
  ): void;
  /** Has a text hidden in the log from now on. */
  mask(secret: string): void;
  /** Adds Markdown to the job's summary. */
  summarise(markdown: string): void;
  /** Sets an output of the step: one line, of this program's own words. */
  output(name: string, value: string): void;
};

/** The runner of this process (docs.github.com: "Workflow commands", "Default environment variables"). */
export function runnerOf(
  env: Readonly<Record<string, string | undefined>>,
  write: (line: string) => void,
): Runner {
  const append = (variable: string, text: string): void => {
    const file = env[variable] ?? '';
    if (file !== '') appendFileSync(file, text);
  };
  return {
    input: (name) => (env[`INPUT_${name.toUpperCase()}`] ?? '').trim(),
    variable: (name) => env[name] ?? '',
    log: (text) => write(logText(text)),
    annotate: (level, message, about) => write(annotation(level, message, about)),
    mask: (secret) => write(maskCommand(secret)),
    summarise: (markdown) => append('GITHUB_STEP_SUMMARY', `${markdown.trimEnd()}\n\n`),
    output(name, value) {
      if (/[\r\n]/.test(`${name}${value}`)) throw new Error(`the output ${name} has more than one line`);
      append('GITHUB_OUTPUT', `${name}=${value}\n`);
    },
  };
}
