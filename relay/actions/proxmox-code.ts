import { endIsUnknown, type ProxmoxFailure, type ProxmoxReason } from '../drivers/proxmox-errors.ts';
import type { Outcome } from './action.ts';

/** A step's end that is no success. */
export type Trouble = Extract<Outcome, { state: 'failed' | 'unknown' }>;

/** What a receipt says of a driver's reason; explained in docs/errors.md. */
const codes = {
  pin_mismatch: 'proxmox_certificate_changed',
  tls: 'proxmox_tls',
  unreachable: 'proxmox_unreachable',
  timeout: 'proxmox_timeout',
  aborted: 'interrupted',
  unauthorized: 'proxmox_unauthorized',
  forbidden: 'proxmox_forbidden',
  bad_answer: 'proxmox_bad_answer',
  bad_parameter: 'proxmox_bad_parameter',
  proxy_error: 'proxmox_proxy_error',
  server_error: 'proxmox_error',
  no_worker: 'proxmox_busy',
  task_failed: 'proxmox_task_failed',
  not_found: 'guest_missing',
  no_identity: 'guest_mismatch',
  guest_locked: 'guest_locked',
  config_locked: 'guest_config_locked',
  already_running: 'guest_already_running',
  guest_not_running: 'guest_not_running',
  guest_paused: 'guest_paused',
  agent_not_configured: 'agent_not_configured',
  agent_not_running: 'agent_silent',
  agent_error: 'agent_error',
  device_in_use: 'device_in_use',
} as const satisfies Record<ProxmoxReason, string>;

export type ProxmoxCode = (typeof codes)[ProxmoxReason];

export const codeOf = (failure: ProxmoxFailure): ProxmoxCode => codes[failure.reason];

/** The end of a step whose order came to nothing, or to nobody knows what. */
export const outcomeOf = (failure: ProxmoxFailure): Trouble => ({
  state: endIsUnknown(failure) ? 'unknown' : 'failed',
  code: codeOf(failure),
  detail: failure.detail,
});
