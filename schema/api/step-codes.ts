import type { CodeCard } from './code-card.ts';

/** What comes of a step: in receipts and commands. */
export const stepCodes = {
  after_unmet: {
    title: 'A step before did not end as needed',
    meaning: 'The step runs only after others, and their receipts do not show what it needs. It was not run.',
    todo: 'See the steps before it in the command.',
  },
  limit_reached: {
    title: 'Limit of the trust document reached',
    meaning: 'The controller ordered this as often as trust allows in the window. It was not run.',
    todo: 'Wait, or order it by the CLI, whose grant has another limit.',
  },
  in_use: {
    title: 'Somebody uses it',
    meaning: 'A person is logged in, or the guest agent does not answer, so it was left alone.',
    todo: 'Ask who uses it, or order the action that ends in `-in-use`.',
  },
  exclusive_busy: {
    title: 'Another guest holds what it needs',
    meaning: 'A running guest holds an exclusive resource of this one. It was not started.',
    todo: 'Shut that guest down first.',
  },
  guest_not_adopted: {
    title: 'Guest not adopted',
    meaning: 'Trust does not pin this guest’s identity yet, so the relay leaves it alone.',
    todo: 'Approve its host’s relay again: `writ relays approve` pins the guests that it reported.',
  },
  guest_mismatch: {
    title: 'Another guest has this VMID',
    meaning:
      'The guest under this VMID is not the one that trust pins, or has no identity. It was left alone.',
    todo: 'If you replaced it on purpose, adopt it anew; otherwise find out what happened on the host.',
  },
  host_did_not_wake: {
    title: 'Host did not wake',
    meaning: 'Magic packets were sent for two minutes, and the host’s relay did not report.',
    todo: 'Check wake-on-LAN in its firmware, its MAC in the house file, and whether it has power.',
  },
  agent_silent: {
    title: 'Guest agent is silent',
    meaning: 'The guest runs, but its agent did not answer in time.',
    todo: 'Look at its console; check that qemu-guest-agent runs in it.',
  },
  guest_did_not_stop: {
    title: 'Guest did not stop by itself',
    meaning: 'It was asked to shut down and still runs. Its power was not cut.',
    todo: 'Look at its console. `writ stop` cuts its power.',
  },
  guests_survived: {
    title: 'Guests did not stop',
    meaning: 'A guest of the host still runs, so the host stays on.',
    todo: 'Shut those guests down, or stop them, and ask again.',
  },
  interrupted: {
    title: 'Interrupted',
    meaning: 'The relay was interrupted and could not find out what came of the step. It is never run twice.',
    todo: 'Look at the target, and order again if needed.',
  },
  skipped: {
    title: 'Skipped',
    meaning: 'A step before it did not end as this one needs. It was not run.',
    todo: 'See the steps before it in the command.',
  },
  expired: {
    title: 'Not taken in time',
    meaning: 'The relay did not take the step before its intent ended. Nothing was done.',
    todo: 'Check that the host is on and its relay runs (`writ status`), and ask again.',
  },
  superseded: {
    title: 'A newer release came first',
    meaning: 'Before the relay began with this release, a newer one came for the target. It was not begun.',
    todo: 'Nothing: the target gets the newer one.',
  },
  approval_denied: {
    title: 'Not approved',
    meaning: 'The owner denied the order, which waited for approval. Nothing was done.',
    todo: 'Ask the owner.',
  },
  approval_expired: {
    title: 'Not approved in time',
    meaning: 'The order waited for the owner’s approval, which did not come in time. Nothing was done.',
    todo: 'Ask again, and have it approved on the owner’s computer: `writ approvals`.',
  },
  trust_changed: {
    title: 'Trust changed meanwhile',
    meaning: 'A newer trust document does not allow the step any more. It was not run.',
    todo: 'Order again, if you still may.',
  },
} as const satisfies { readonly [code: string]: CodeCard };
