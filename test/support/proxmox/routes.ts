import type { Route } from './route.ts';
import { accessRoutes } from './routes-access.ts';
import { agentExecRoutes } from './routes-agent-exec.ts';
import { lxcRoutes } from './routes-lxc.ts';
import { nodeRoutes } from './routes-node.ts';
import { qemuRoutes } from './routes-qemu.ts';

/** Everything that the simulator answers; each is one of the official schema. */
export const routes: readonly Route[] = [
  ...nodeRoutes,
  ...qemuRoutes,
  ...lxcRoutes,
  ...accessRoutes,
  ...agentExecRoutes,
];

/** The route of a path and the decoded parts of it. */
export function findRoute(
  method: string,
  path: string,
): { route: Route; parts: Record<string, string> } | undefined {
  const given = path.split('/');
  for (const route of routes) {
    const wanted = route.path.split('/');
    if (route.method !== method || wanted.length !== given.length) continue;
    const parts: Record<string, string> = {};
    const fits = wanted.every((part, index) => {
      const value = decodeURIComponent(given[index] ?? '');
      const name = /^\{(.+)\}$/.exec(part)?.[1];
      if (name === undefined) return part === value;
      parts[name] = value;
      return value !== '';
    });
    if (fits) return { route, parts };
  }
  return undefined;
}
