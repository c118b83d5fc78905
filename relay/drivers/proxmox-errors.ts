/**
 * What a Proxmox VE server answers when it does not do as told. Its errors are sentences, so this file is the
 * one place that reads them; they come from HTTP status lines, JSON bodies and the exit status of tasks alike.
 */

/** Fields that some reasons carry beside the sentence. */
type Extra = {
  unreachable: { readonly sent: boolean };
  timeout: { readonly sent: boolean };
  aborted: { readonly sent: boolean };
  tls: { readonly sent: boolean };
  guest_locked: { readonly lock: string };
  task_failed: { readonly exitstatus: string };
  bad_parameter: { readonly errors: Readonly<Record<string, string>> };
  proxy_error: { readonly status: number };
  server_error: { readonly status: number };
};

type PlainReason =
  /** The server's certificate is not the pinned one: nothing was sent. */
  | 'pin_mismatch'
  | 'unauthorized'
  | 'forbidden'
  /** No such guest here. */
  | 'not_found'
  /** Another task holds the guest's configuration file for longer than Proxmox waits. */
  | 'config_locked'
  /** The server could not fork a worker; passing, but it lasted through all attempts. */
  | 'no_worker'
  | 'already_running'
  | 'guest_not_running'
  | 'guest_paused'
  | 'agent_not_configured'
  | 'agent_not_running'
  /** The agent in the guest answered with an error. */
  | 'agent_error'
  /** Something that is in use by another running guest, such as a passed-through GPU. */
  | 'device_in_use'
  /** The guest's configuration has nothing that could identify it. */
  | 'no_identity'
  /** Not what Proxmox VE would say: malformed, over a cap, or of a wrong shape. */
  | 'bad_answer';

type Failed<R extends string, E = unknown> = {
  readonly ok: false;
  readonly reason: R;
  /** One short line for people and logs, from the server or a guest: capped, without control characters. */
  readonly detail: string;
  /** The task that was started and whose end is not known. */
  readonly upid?: string;
} & E;

/** An operation that did not succeed; see `endIsUnknown` for what that says about the guest. */
export type ProxmoxFailure =
  | { [R in PlainReason]: Failed<R> }[PlainReason]
  | { [R in keyof Extra]: Failed<R, Extra[R]> }[keyof Extra];

export type ProxmoxReason = ProxmoxFailure['reason'];

/** The value, or why there is none. */
export type ProxmoxResult<T> = { readonly ok: true; readonly value: T } | ProxmoxFailure;

/**
 * Whether an order that failed like this may have been carried out all the same, or may still be: then only a look
 * at the guest tells what is true, and giving the order again is no way to find out.
 */
export function endIsUnknown(failed: ProxmoxFailure): boolean {
  if (failed.upid !== undefined) return true;
  switch (failed.reason) {
    case 'unreachable':
    case 'timeout':
    case 'aborted':
    case 'tls':
      return failed.sent;
    case 'proxy_error':
      // 595 is a connection that never came to be.
      return failed.status !== 595;
    case 'server_error':
      return failed.status !== 501;
    case 'bad_answer':
      return true;
    default:
      return false;
  }
}

const maxDetailChars = 240;

/** One printable line out of text that a server, or a guest behind it, chose. */
export function oneLine(text: string, maxChars: number = maxDetailChars): string {
  // \p{C} also covers the invisible and bidirectional marks that could disguise a line in a terminal.
  return text
    .slice(0, maxChars * 4)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, maxChars);
}

/** A failure with a reason that needs no further field. */
export function failure(reason: PlainReason, detail: string): ProxmoxFailure {
  return { ok: false, reason, detail: oneLine(detail) };
}

/** Sentences that mean the same as an HTTP error and as a task's exit status; first match wins. */
const sentences: readonly (readonly [RegExp, PlainReason])[] = [
  [/can't lock file '.*' - got timeout/, 'config_locked'],
  [/got no worker upid/, 'no_worker'],
  [/^Configuration file '.*' does not exist/, 'not_found'],
  [/^unable to find configuration file for (VM|CT) \d+/, 'not_found'],
  [/^No QEMU guest agent configured/, 'agent_not_configured'],
  [/^QEMU guest agent is not running/, 'agent_not_running'],
  // The agent went away between the server's own ping and the command.
  [/(qmp|qga) command 'guest-[a-z-]+' failed - (got timeout|unable to connect)/, 'agent_not_running'],
  [/^Agent error:/, 'agent_error'],
  [/^VM is paused/, 'guest_paused'],
  [/^(VM|CT) \d+ (is )?not running/, 'guest_not_running'],
  [/^(VM|CT) \d+ already running/, 'already_running'],
  [/^PCI device '.*' (already in use|is currently reserved for use) by /, 'device_in_use'],
];

const lockSentence = /(?:VM|CT) is locked \(([a-z-]{1,32})\)/;

/** Longer than any sentence of Proxmox VE; what a guest adds to one could keep a pattern busy for minutes. */
const maxSentenceChars = 1_000;

function fromSentence(text: string): ProxmoxFailure | undefined {
  const sentence = text.slice(0, maxSentenceChars).trim();
  const lock = lockSentence.exec(sentence)?.[1];
  if (lock !== undefined) return { ok: false, reason: 'guest_locked', lock, detail: oneLine(sentence) };
  const found = sentences.find(([pattern]) => pattern.test(sentence));
  return found && failure(found[1], sentence);
}

/** The failure behind a task's exit status that is neither `OK` nor `WARNINGS: n`. */
export function failureOfTask(exitstatus: string): ProxmoxFailure {
  const line = oneLine(exitstatus);
  return fromSentence(exitstatus) ?? { ok: false, reason: 'task_failed', exitstatus: line, detail: line };
}

/** What an HTTP answer with a status of 400 and above says, as far as it could be read. */
export type HttpError = {
  readonly status: number;
  /** `message` of the body; servers before libpve-http-server 5.2.0 send it in the status line alone. */
  readonly message: string;
  readonly errors: Readonly<Record<string, string>>;
};

/** The failure behind an HTTP error of the API. */
export function failureOfHttp({ status, message, errors }: HttpError): ProxmoxFailure {
  const detail = oneLine(message) || `HTTP ${status}`;
  // Proxmox VE's own numbers for a failed hop between its daemons or nodes; 598 is not in use.
  if (status >= 595 && status <= 599) return { ok: false, reason: 'proxy_error', status, detail };
  if (status === 401) return failure('unauthorized', detail);
  if (status === 403) return failure('forbidden', detail);
  if (status === 404) return failure('not_found', detail);
  if (status === 400) {
    const said = Object.entries(errors).slice(0, 16);
    return {
      ok: false,
      reason: 'bad_parameter',
      errors: Object.fromEntries(said.map(([name, text]) => [oneLine(name, 64), oneLine(text)])),
      detail,
    };
  }
  return fromSentence(message) ?? { ok: false, reason: 'server_error', status, detail };
}
