import { isRun } from '../../../../schema/quadlet/names.ts';
import { lastValue, readUnits } from '../../../../schema/quadlet/unit.ts';
import { triggeredBy } from '../../build/unit-parts.ts';
import { machineOf, maySleep } from '../../compile/routes.ts';
import { unitFileOf } from '../../compile/unit-file.ts';
import type { Home, Instance, Route } from '../../home.ts';
import { hostOf } from '../scrape/config.ts';
import { is, isOneOf, plain, type Rule, unlessOffOnPurpose } from './rule.ts';

/** Of each app on each machine whether it runs, and whether its names answer. */
export function appRules(home: Home): Rule[] {
  const own = home.instances.flatMap((instance) => {
    const { app, target } = instance;
    const labels = { app, machine: target, host: hostOf(home, target) };
    const title = plain(home.apps[app]!.title);
    const services = steadyServices(instance, home.apps[app]!.file.service);
    const names = [
      ...askedNames(home.routes.filter((route) => route.app === app && route.target === target)),
      // What has no route of its own, Gatus asks past the proxy.
      ...(home.apps[app]!.file.health !== undefined && !maySleep(machineOf(home, target)) ? [app] : []),
    ];
    const rules: Rule[] = [];
    if (services.length > 0) rules.push(stopped(services, labels, title));
    if (names.length > 0) rules.push(unanswered(names, labels, title));
    return rules;
  });
  return [
    {
      alert: 'AppUnreachable',
      expr: `up{may_sleep="no"} == 0 ${unlessOffOnPurpose}`,
      for: '5m',
      severity: 'warning',
      topic: 'health',
      summary: '{{ $labels.job }} on {{ $labels.machine }} does not answer who asks for metrics',
    },
    {
      alert: 'ServicesDown',
      // A host that shuts down tells of services that stop, and nothing more until it is back.
      expr: `max by (target, host) (writ_target_healthy) == 0 ${unlessOffOnPurpose}`,
      for: '15m',
      severity: 'warning',
      topic: 'health',
      labels: { machine: '{{ $labels.target }}' },
      summary: 'not all services of {{ $labels.target }} run',
    },
    ...own,
  ];
}

type Labels = Readonly<Record<'app' | 'machine' | 'host', string>>;

/** A service that systemd has forgotten is as little there as one that it knows to be stopped. */
const stopped = (services: readonly string[], labels: Labels, title: string): Rule => {
  const machine = is('machine', labels.machine);
  const active = `node_systemd_unit_state{${machine},${isOneOf('name', services)},state="active"}`;
  return {
    alert: 'AppStopped',
    expr: [
      `node_systemd_units{${machine},state="active"} unless on (machine)`,
      `(count by (machine) (max by (machine, name) (${active}) == 1) == ${services.length})`,
    ].join(' '),
    for: '5m',
    severity: 'warning',
    topic: 'health',
    labels,
    summary: `${title} does not run on ${labels.machine}`,
  };
};

const unanswered = (names: readonly string[], labels: Labels, title: string): Rule => ({
  alert: 'AppUnanswered',
  expr: [
    `gatus_results_endpoint_success{${is('group', labels.machine)},${isOneOf('name', names)}} == 0`,
    `unless on () writ_host_expected_off{${is('host', labels.host)}} == 1`,
  ].join(' '),
  for: '5m',
  severity: 'warning',
  topic: 'health',
  labels,
  summary: `${title} does not answer at {{ $labels.name }}`,
});

/** Names that Gatus may ask at any time: nobody who answers there sleeps. */
const askedNames = (routes: readonly Route[]): string[] => [
  ...new Set(
    routes
      .filter(({ may_sleep, waking, when }) => !may_sleep && !waking && when === undefined)
      .flatMap(({ hosts }) => hosts.filter((host) => !host.startsWith('*'))),
  ),
];

/** Services that are to be active all the time: what runs once, or when something else has it run, is not. */
function steadyServices({ units }: Instance, service: string | undefined): string[] {
  const parsed = readUnits(units.map(unitFileOf));
  const triggered = new Set(parsed.flatMap(triggeredBy));
  const steady = parsed
    .filter(({ name }) => isRun(name))
    .filter((unit) => lastValue(unit, 'Service', 'Type') !== 'oneshot')
    .map((unit) => unit.service)
    .filter((one) => !triggered.has(one));
  return [...new Set(service === undefined ? steady : [...steady, service])].sort();
}
