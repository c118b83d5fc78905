/** An expected outcome that is not the wanted one: a stable reason, and optionally a sentence for people. */
export type Refusal<R extends string = string> = {
  readonly ok: false;
  readonly reason: R;
  readonly detail?: string;
};

/** Either a value or a tagged reason. Thrown errors are left for bugs. */
export type Result<T, R extends string = string> = { readonly ok: true; readonly value: T } | Refusal<R>;

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });

export const refuse = <R extends string>(reason: R, detail?: string): Refusal<R> =>
  detail === undefined ? { ok: false, reason } : { ok: false, reason, detail };
