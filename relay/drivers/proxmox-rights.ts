import * as v from 'valibot';
import type { ProxmoxFailure, ProxmoxResult } from './proxmox-errors.ts';
import { createProxmoxHttp, type ProxmoxHttpDeps } from './proxmox-http.ts';

/** Privileges by path, as the access list gives them to a token. */
export type Rights = Readonly<Record<string, readonly string[]>>;

/** A request that changes nothing: rights are looked at before its missing parameters are. */
export type Probe = {
  readonly method: 'GET' | 'POST';
  /** Below `/api2/json`. */
  readonly path: string;
  /** What it would be, for people. */
  readonly would: string;
};

/** What a token may do, by its own word and by trying. */
export type ProxmoxRights = {
  own(): Promise<ProxmoxResult<Rights>>;
  /** Null: refused with 403, as it must be. */
  refused(probe: Probe): Promise<null | 'allowed' | ProxmoxFailure>;
};

const rightsShape = v.record(v.string(), v.record(v.string(), v.unknown()));

export function createProxmoxRights(deps: ProxmoxHttpDeps): ProxmoxRights {
  const http = createProxmoxHttp(deps);
  return {
    async own() {
      const told = await http({ method: 'GET', path: '/access/permissions', shape: rightsShape });
      if (!told.ok) return told;
      const rights = Object.entries(told.value).map(
        ([path, held]) => [path, Object.keys(held).sort()] as const,
      );
      return { ok: true, value: Object.fromEntries(rights) };
    },
    async refused({ method, path }) {
      const answer = await http({ method, path, shape: v.unknown() });
      if (answer.ok) return 'allowed';
      if (answer.reason === 'forbidden') return null;
      // It was let through to its parameters, or to a guest that is off.
      const passed = ['bad_parameter', 'guest_not_running', 'agent_not_running', 'agent_not_configured'];
      return passed.includes(answer.reason) ? 'allowed' : answer;
    },
  };
}
