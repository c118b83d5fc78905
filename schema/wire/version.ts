/**
 * The protocol between relay and API, one integer. The API serves the current one and the two before.
 *
 * 1: enrol, poll, receipts, reports; intents, jobs, evidence of waking.
 */
export const protocolVersion = 1;

/** The oldest protocol that the API still serves. */
export const oldestProtocolVersion = Math.max(1, protocolVersion - 2);
