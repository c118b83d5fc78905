import * as v from 'valibot';
import { hostNameSchema } from '../../../schema/manifest/values.ts';
import { all, type Unit } from '../../../schema/quadlet/unit.ts';
import { splitWords } from '../../../schema/quadlet/words.ts';

export type LabelRoute = { readonly host: readonly string[]; readonly port: number };

/**
 * The route that Traefik's labels of an app say, where there is no doubt: one router for one or several names and
 * nothing else, one port, no middleware. Null for all others: they go on by their labels.
 *
 * @param domain of the site: names below it are written short
 */
export function routeOfLabels(units: readonly Unit[], domain: string): LabelRoute | null {
  const labels = new Map<string, string>();
  for (const unit of units) {
    for (const { value } of all(unit, unit.name.kind === 'pod' ? 'Pod' : 'Container', 'Label')) {
      for (const { text } of splitWords(value, 'arguments').words) {
        const equals = text.indexOf('=');
        const name = text.slice(0, equals).toLowerCase();
        if (equals < 0 || !name.startsWith('traefik.')) continue;
        if (labels.has(name)) return null;
        labels.set(name, text.slice(equals + 1));
      }
    }
  }
  if (labels.get('traefik.enable') === 'false') return null;
  let rule: string | undefined;
  let port: string | undefined;
  for (const [name, text] of labels) {
    const [, kind, key] = /^traefik\.http\.(routers|services)\.[^.]+\.(.+)$/.exec(name) ?? [];
    if (kind === 'routers' && key === 'rule') {
      if (rule !== undefined) return null;
      rule = text;
    } else if (kind === 'services' && key === 'loadbalancer.server.port') {
      if (port !== undefined) return null;
      port = text;
    } else if (kind === 'routers' && /^(entrypoints|tls|tls\.certresolver|service)$/.test(key!)) continue;
    else if (!/^traefik\.(enable|docker\.network)$/.test(name)) return null;
  }
  if (rule === undefined || !/^[1-9]\d{0,4}$/.test(port ?? '') || Number(port) > 65_535) return null;
  const hosts = hostsOf(rule);
  if (hosts === null) return null;
  const names = hosts.map((host) =>
    host === domain ? '@' : host.endsWith(`.${domain}`) ? shorter(host, domain) : host,
  );
  if (!names.every((name) => v.is(hostNameSchema, name))) return null;
  return { host: names, port: Number(port) };
}

/** A name with a dot is a whole one. */
function shorter(host: string, domain: string): string {
  const short = host.slice(0, -domain.length - 1);
  return short.includes('.') ? host : short;
}

/** The names of `Host(`a`) || Host(`b`)`; null for any other rule. */
function hostsOf(rule: string): string[] | null {
  const hosts: string[] = [];
  for (const part of rule.split('||')) {
    const names = /^\s*Host\(\s*((?:`[^`]+`\s*,?\s*)+)\)\s*$/.exec(part)?.[1];
    if (names === undefined) return null;
    hosts.push(...[...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name!.toLowerCase()));
  }
  return new Set(hosts).size === hosts.length ? hosts : null;
}
