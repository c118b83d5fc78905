import { type AlertmanagerOptions, alertmanagerOptionsSchema } from './alertmanager/options.ts';
import { makeReceivers } from './alertmanager/receivers.ts';
import { makeRoutes, unheardTopics } from './alertmanager/routes.ts';
import type { Generator, GeneratorInput, Tell } from './generator.ts';
import { mergeOver } from './shared/merge.ts';
import { yamlBy } from './shared/outputs.ts';

type Tree = Readonly<Record<string, unknown>>;

/** Who is told of alerts, as homelab.yaml's `notifications` have it. */
export const alertmanager: Generator = {
  name: 'alertmanager',
  about: 'who is told of alerts, and which are of no news while another one holds',
  upstream: { program: 'Alertmanager', from: '0.25', below: '0.36' },
  options: alertmanagerOptionsSchema,
  outputs: {
    config: {
      about: 'alertmanager.yml',
      kind: 'file',
      needed: () => [],
      generate: yamlBy('alertmanager/config', alertmanagerOptionsSchema, makeConfig),
    },
  },
};

function makeConfig(input: GeneratorInput, options: AlertmanagerOptions, tell: Tell): Tree {
  const { smtp } = options;
  const unheard = unheardTopics(input.home);
  if (unheard.length > 0) {
    tell({
      severity: 'warning',
      code: 'alerts_unheard',
      message: `nobody is told of alerts about ${unheard.join(', ')}, however critical`,
      suggestion: 'notifications: { send: [{ to: phone, from: critical }] } in homelab.yaml says who is.',
    });
  }
  const folder = options.secrets;
  const config = {
    ...(smtp !== undefined && {
      global: {
        smtp_smarthost: smtp.smarthost,
        smtp_from: smtp.from,
        smtp_require_tls: smtp.tls,
        ...(smtp.username !== undefined && { smtp_auth_username: smtp.username }),
        ...(smtp.password !== undefined && { smtp_auth_password_file: `${folder}/${smtp.password}` }),
      },
    }),
    route: makeRoutes(input.home, options),
    receivers: makeReceivers(input, options, tell),
    inhibit_rules: inhibited,
  };
  return mergeOver(config, options.extra);
}

/** What is no news while what it depends on is down; of one thing that several rules see, the nearest is told. */
const inhibited = [
  {
    source_matchers: ['alertname=~"HostSilent|HostLost"'],
    // What machines tell themselves goes on: the host may be awake, and its relay gone alone.
    target_matchers: ['alertname=~"MachineUnreachable|AppUnreachable|AppUnanswered|ServicesDown"'],
    equal: ['host'],
  },
  {
    source_matchers: ['alertname=~"GuestDown|MachineUnreachable"'],
    target_matchers: ['alertname=~"AppUnreachable|AppStopped|AppUnanswered|ServicesDown"'],
    equal: ['machine'],
  },
  {
    source_matchers: ['alertname="AppStopped"'],
    target_matchers: ['alertname=~"AppUnreachable|AppUnanswered"'],
    equal: ['machine', 'app'],
  },
];
