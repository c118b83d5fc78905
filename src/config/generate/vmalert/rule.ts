import type { InferOutput } from 'valibot';
import type { notificationsSchema } from '../../../../schema/manifest/notifications.ts';

export type Severity = InferOutput<typeof notificationsSchema>['send'][number]['from'];
export type Topic = NonNullable<InferOutput<typeof notificationsSchema>['send'][number]['about']>[number];

/** A rule as Prometheus has it, with what every one of them says. */
export type Rule = {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly severity: Severity;
  readonly topic: Topic;
  /** Where it is, beside what the expression brings: `host`, `machine`, `app`, `guest`, `storage`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** A template of Go: what stands in it as text goes through `plain`. */
  readonly summary: string;
};

/** A text that a template of Go prints as it is. Before it is one, vmalert puts its environment in place of `%{NAME}`. */
export const plain = (text: string): string => text.replaceAll(/\{\{|\{?%(?=\{)/g, '{{ "$&" }}');

/** A matcher of a label, its value quoted as PromQL has it. */
export const is = (label: string, value: string): string => `${label}=${JSON.stringify(value)}`;

/** A matcher of any of several values, none of which is a pattern. */
export const isOneOf = (label: string, values: readonly string[]): string =>
  `${label}=~${JSON.stringify(values.map((value) => value.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'))}`;

/** What is not to be raised for a host that was shut down on purpose: it ends with the host's next word. */
export const unlessOffOnPurpose = 'unless on (host) writ_host_expected_off == 1';
