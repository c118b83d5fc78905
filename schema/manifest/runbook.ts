import * as v from 'valibot';
import { nameSchema } from '../wire/ids.ts';
import { runbookSchema, runbookStepSchema } from './house.ts';
import { durationSchema, oneOrMany, secretNameSchema } from './values.ts';

/** What must be so when a step is due. */
const conditionSchema = v.union(
  [
    v.strictObject({ host: nameSchema, is: v.picklist(['awake', 'asleep']) }),
    v.strictObject({ guest: nameSchema, is: v.picklist(['running', 'stopped', 'in-use']) }),
  ],
  'must be { host: …, is: awake } or { guest: …, is: running }',
);

const actionStepSchema = v.strictObject({
  ...runbookStepSchema.entries,
  /** It is left out where this does not hold, or does. */
  when: v.optional(conditionSchema),
  unless: v.optional(conditionSchema),
  /** It runs in the end, whatever came before, also where the runbook was stopped. */
  always: v.optional(v.boolean()),
  /** What it prints becomes a secret: on these machines, or on all that need it. */
  captures: v.optional(v.strictObject({ secret: secretNameSchema, on: v.optional(oneOrMany(nameSchema)) })),
});

const stepSchema = v.union(
  [
    actionStepSchema,
    v.strictObject({ wait: durationSchema }),
    /** Goes on when the caller has agreed. */
    v.strictObject({ prompt: v.pipe(v.string(), v.minLength(1), v.maxLength(200)) }),
  ],
  'must be { action: …, target: … }, { wait: … } or { prompt: … }',
);

/** A runbook as the repo may say it: more than the control plane runs so far. */
export const runbookFormSchema = v.strictObject({
  title: runbookSchema.entries.title,
  steps: v.pipe(v.array(stepSchema), v.minLength(1), v.maxLength(60)),
  /** Who may run it: names of `access` in homelab.yaml. */
  callers: v.optional(oneOrMany(nameSchema)),
  /** How often it may run at one time. */
  concurrency: v.optional(v.literal(1)),
});
export type RunbookForm = v.InferOutput<typeof runbookFormSchema>;
export type RunbookStep = RunbookForm['steps'][number];
type ActionStep = v.InferOutput<typeof actionStepSchema>;

export const isActionStep = (step: RunbookStep): step is ActionStep => 'action' in step;

const plainMembers: ReadonlySet<string> = new Set([
  ...Object.keys(runbookSchema.entries),
  ...Object.keys(runbookStepSchema.entries),
]);

/** The members of a runbook that no control plane runs yet, by their paths. Empty for one that runs as it stands. */
export const notRunYet = (form: RunbookForm): (readonly (string | number)[])[] => [
  ...beyond(form),
  ...form.steps.flatMap((step, index) => beyond(step).map((path) => ['steps', index, ...path])),
];

const beyond = (part: object): string[][] =>
  Object.keys(part).flatMap((member) => (plainMembers.has(member) ? [] : [[member]]));
