import type { CodeCard } from './code-card.ts';

const seeHelper = 'See `journalctl -u writ-relay-act` on the host.';
const seed =
  'Run `writ-relay doctor` on the host as root; then `writ-relay trust seed DIGEST`, with the digest that `writ trust show --json` tells on your computer.';

/** What comes of releases for a host and its containers, which a helper as root brings there. */
export const actCodes = {
  act_missing: {
    title: 'Helper as root not reached',
    meaning:
      'Files of a host and of its containers are changed by writ-relay-act, and nothing listens at its socket. Nothing was changed.',
    todo: 'On the host: `systemctl enable --now writ-relay-act.socket`. If that does not help: `writ-relay doctor` as root.',
  },
  act_not_permitted: {
    title: 'Helper as root not for this user',
    meaning: 'The relay may not open the socket of writ-relay-act. Nothing was changed.',
    todo: 'Run `writ-relay doctor` on the host as root: it says who may open it.',
  },
  act_gone: {
    title: 'Helper as root went away',
    meaning:
      'writ-relay-act ended in the middle and did not come back in time, so what came of the release is not known. It puts back what it had begun when it starts again.',
    todo: seeHelper,
  },
  act_timeout: {
    title: 'Helper as root does not answer',
    meaning: 'writ-relay-act said nothing for too long, so what came of the release is not known.',
    todo: seeHelper,
  },
  act_malformed: {
    title: 'Helper as root not understood',
    meaning: 'What answers at the socket of writ-relay-act speaks another way.',
    todo: 'Both come in one package: restart the relay with `systemctl restart writ-relay`.',
  },
  act_interrupted: {
    title: 'Helper as root was stopped',
    meaning: 'writ-relay-act was told to stop before it had begun. Nothing was changed.',
    todo: 'Deploy anew.',
  },
  act_not_seeded: {
    title: 'Helper as root obeys nobody yet',
    meaning:
      'This host was enrolled without telling writ-relay-act whom to obey, so it refuses everything. Nothing was changed.',
    todo: seed,
  },
  act_state_unreadable: {
    title: 'State of the helper as root unreadable',
    meaning: 'writ-relay-act cannot read what it obeys and what it did. It refuses everything.',
    todo: 'Check /var/lib/writ-relay-act and its disk.',
  },
  act_state_malformed: {
    title: 'State of the helper as root damaged',
    meaning: 'writ-relay-act does not know any more what it did, so it refuses everything.',
    todo: seed,
  },
  act_state_unwritable: {
    title: 'State of the helper as root cannot be written',
    meaning:
      'writ-relay-act writes down what it begins before it begins it, and could not. Nothing was changed.',
    todo: 'Make room in /var/lib, or mend its disk.',
  },
  order_unknown: {
    title: 'Order unknown to the helper as root',
    meaning: 'writ-relay-act was asked what came of an order that it never followed.',
    todo: 'Nothing was begun: deploy anew.',
  },
  target_not_ours: {
    title: 'Target is not of this host',
    meaning:
      'writ-relay-act changes its own host and the containers on it, nothing else. Nothing was changed.',
    todo: 'Check where the trust document has the target.',
  },
  helper_none: {
    title: 'This relay has no helper as root',
    meaning: 'Only the packaged relay, with its state in /var/lib/writ-relay, has one.',
    todo: 'Install the package.',
  },
} as const satisfies { readonly [code: string]: CodeCard };
