import { all, readUnits } from '../../../../schema/quadlet/unit.ts';
import { unitFileOf } from '../../compile/unit-file.ts';
import type { Instance } from '../../home.ts';

/** Programs that others are pointed at or that tell metrics, by what their images, services and apps are called. */
const kinds = {
  /** Answers queries in PromQL. */
  metrics: /^(victoria-?metrics|vmsingle|vmselect|prometheus|mimir|thanos)$/,
  victorialogs: /^(victoria-?logs|vlogs)$/,
  loki: /^loki$/,
  alertmanager: /^(prometheus-)?alertmanager$/,
  node: /^(prometheus-)?node[-_]exporter$/,
  gatus: /^gatus$/,
  traefik: /^traefik$/,
  writ: /^writ$/,
} as const;
export type AppKind = keyof typeof kinds;

/** What an app is, by the images of its containers, else its services, else its own name; undefined for all others. */
export function kindOf(instance: Instance): AppKind | undefined {
  const images = readUnits(instance.units.map(unitFileOf)).flatMap((unit) =>
    all(unit, 'Container', 'Image').map(({ value }) => lastName(value)),
  );
  const services = instance.services.map((service) => service.replace(/\.service$/, ''));
  for (const name of [...images, ...services, instance.app]) {
    const found = Object.entries(kinds).find(([, pattern]) => pattern.test(name));
    if (found !== undefined) return found[0] as AppKind;
  }
  return undefined;
}

/** `docker.io/victoriametrics/victoria-metrics:v1` → `victoria-metrics`. */
const lastName = (image: string): string =>
  image
    .replace(/[:@][^/]*$/, '')
    .split('/')
    .at(-1)!;
