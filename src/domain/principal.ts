/** Who makes a request, once its proof or token has verified. */
export type Principal =
  /** A phone or a script, by a token that `writ tokens create` made. `scope` as the token states it. */
  | {
      readonly kind: 'token';
      readonly id: string;
      readonly name: string;
      readonly scope: readonly string[];
    }
  /** The owner's CLI, by the operator key that trust names. */
  | { readonly kind: 'operator'; readonly kid: string }
  /** Another key that trust names, such as a second computer's. `scope`: what trust grants it, as `<action>@<target>`. */
  | {
      readonly kind: 'key';
      readonly name: string;
      readonly kid: string;
      readonly scope: readonly string[];
    }
  /** A run of a workflow of GitHub Actions, by the identity that trust names it. */
  | { readonly kind: 'github'; readonly name: string }
  /** A relay that trust admits. */
  | { readonly kind: 'relay'; readonly name: string; readonly kid: string }
  /** A relay that enrolled and waits for the owner's approval. It may fetch trust, nothing else. */
  | { readonly kind: 'pending'; readonly name: string; readonly kid: string };

declare const authorised: unique symbol;

/**
 * Proof that a principal was authorised for one permission: every function that changes something takes one,
 * so that a route which forgets to authorise does not compile. Only `authorise` in src/auth makes it.
 *
 * `permission` is what was authorised: `<action>@<target>` or `run@<runbook>` for orders (`permissionOf`
 * in src/domain/order.ts), else the name of a right such as `tokens` or `trust`.
 */
export type Grant = {
  readonly principal: Principal;
  readonly permission: string;
  readonly [authorised]: true;
};

/** How the audit log and a command's view name a principal. */
export function principalText(principal: Principal): string {
  switch (principal.kind) {
    case 'token':
      return `token:${principal.name}`;
    case 'operator':
      return 'operator';
    case 'key':
      return `key:${principal.name}`;
    case 'github':
      return `github:${principal.name}`;
    case 'relay':
      return `relay:${principal.name}`;
    case 'pending':
      return `pending:${principal.name}`;
  }
}

/** What an idempotency key is scoped to: two tokens of one name are two principals. */
export const principalKey = (principal: Principal): string =>
  principal.kind === 'token' ? `token:${principal.id}` : principalText(principal);
