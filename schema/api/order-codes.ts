import type { ApiCodeCard } from './code-card.ts';

/** Orders, plans and signed intents. */
export const orderCodes = {
  // Orders
  not_set_up: {
    status: 409,
    title: 'Not set up yet',
    meaning: 'No owner has claimed this instance.',
    todo: 'Run `writ init` with the code that `writ serve` printed.',
  },
  action_unknown: {
    status: 400,
    title: 'No such action',
    meaning: 'There is no action of this name. Nothing was done.',
    todo: 'See /docs for the actions there are.',
  },
  target_unknown: {
    status: 404,
    title: 'No such host or guest',
    meaning: 'The house has no target of this name that the action fits. Nothing was done.',
    todo: 'See `writ status` for the names.',
  },
  runbook_unknown: {
    status: 404,
    title: 'No such runbook',
    meaning: 'The house has no runbook of this name. Nothing was done.',
    todo: 'See GET /v1/runbooks; runbooks are in the house file.',
  },
  command_unknown: {
    status: 404,
    title: 'No such command',
    meaning: 'There is no command with this id.',
    todo: 'See GET /v1/commands.',
  },
  approvals_full: {
    status: 429,
    title: 'Too much waits for approval',
    meaning:
      'As many orders of this caller as may wait for the owner’s approval wait already. Nothing was done.',
    todo: 'Approve or deny what waits (`writ approvals`), or let it expire.',
  },
  approval_over: {
    status: 409,
    title: 'Waits no longer',
    meaning:
      'The order does not wait for approval: it was approved or denied before, its time is over, or it never had to. Nothing was done.',
    todo: 'See what became of it: `writ command ID`. If it is still wanted, it is asked for anew.',
  },
  plan_outdated: {
    status: 409,
    title: 'House is otherwise now',
    meaning:
      'What was asked for would have to be done otherwise by now, because the house, a runbook or what runs has changed since. The order has ended, and nothing was done.',
    todo: 'Ask for it anew.',
  },
  params_invalid: {
    status: 400,
    title: 'Parameters do not fit',
    meaning: 'The action does not take these parameters. Nothing was done.',
    todo: 'See /docs for what it takes.',
  },
  host_does_not_sleep: {
    status: 409,
    title: 'This host does not sleep',
    meaning:
      'The trust document does not say that this host sleeps, so `sleep` does not apply. Nothing was done.',
    todo: 'Mark it `sleeps: true` in the house file, or order `shutdown` if you mean it.',
  },
  host_already_off: {
    status: 409,
    title: 'Off already',
    meaning: 'The host is off already, so nothing was ordered.',
    todo: 'Nothing.',
  },
  nothing_can_wake: {
    status: 409,
    title: 'Nobody can wake it',
    meaning: 'The host is off, and trust names no relay that could wake it. Nothing was done.',
    todo: 'Switch it on by hand, or give it `mac`, `wake_via` and `wake_address` in the house file.',
  },
  relay_not_admitted: {
    status: 409,
    title: 'No relay there',
    meaning: 'The host that would have to act has no admitted relay. Nothing was done.',
    todo: 'Enrol it: `writ relays add <host>`, then `writ relays approve`.',
  },
  rival_not_covered: {
    status: 403,
    title: 'Another guest holds what it needs',
    meaning:
      'A running guest holds an exclusive resource, and these credentials may not shut that guest down. Nothing was done.',
    todo: 'Shut the other guest down first, or use a token whose scope allows it.',
  },
  plan_too_long: {
    status: 400,
    title: 'Too many steps',
    meaning: 'The order would need more than 64 steps. Nothing was done.',
    todo: 'Split the runbook.',
  },
  trust_expired: {
    status: 409,
    title: 'Trust document expired',
    meaning: 'Relays run no jobs under an expired trust document, so nothing was ordered.',
    todo: 'Sign a new version on the owner’s computer.',
  },
  locked: {
    status: 409,
    title: 'Another command is at it',
    meaning:
      'A command that still runs holds a target or resource of this one; `held_by` names it. Nothing was done.',
    todo: 'Wait for it, or follow it with GET /v1/commands/{id}.',
  },

  // Signed intents
  intent_malformed: {
    status: 400,
    title: 'Intent malformed',
    meaning: 'The signed bytes are no intent. Nothing was done.',
    todo: 'Plan again, with a CLI of the same version.',
  },
  home_wrong: {
    status: 400,
    title: 'Of another home',
    meaning: 'What was signed is for another home. Nothing was done.',
    todo: 'Check which home the CLI is set up for.',
  },
  intent_expired: {
    status: 409,
    title: 'Intent expired',
    meaning: 'What was signed is over its lifetime. Nothing was done.',
    todo: 'Plan and sign again.',
  },
  intent_from_the_future: {
    status: 409,
    title: 'Clocks disagree',
    meaning: 'What was signed begins later than now by this clock. Nothing was done.',
    todo: 'Set the clocks (`timedatectl`).',
  },
  authorisation_invalid: {
    status: 403,
    title: 'Signature not valid',
    meaning: 'The authorisation does not verify with a key that trust names. Nothing was done.',
    todo: 'Sign with the operator key that the trust document names.',
  },
  authorisation_of_another_intent: {
    status: 403,
    title: 'Signature of other bytes',
    meaning: 'The authorisation is valid, but for another intent. Nothing was done.',
    todo: 'Plan and sign again.',
  },
  intent_used: {
    status: 409,
    title: 'Intent used before',
    meaning: 'These very bytes were submitted before; each intent runs once.',
    todo: 'Plan and sign again.',
  },
  intent_not_of_order: {
    status: 400,
    title: 'Intent does not do what was ordered',
    meaning: 'The signed steps are no plan of the order beside them. Nothing was done.',
    todo: 'Plan and sign again.',
  },
  relay_wrong: {
    status: 409,
    title: 'Another relay does this',
    meaning: 'By the trust document in force, another relay does this step. Nothing was done.',
    todo: 'Plan and sign again.',
  },
  not_granted: {
    status: 403,
    title: 'Not granted by trust',
    meaning: 'The trust document does not let this identity order this. Nothing was done.',
    todo: 'Grant it in a new version of trust, if it should.',
  },
} as const satisfies { readonly [code: string]: ApiCodeCard };
