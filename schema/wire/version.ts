/**
 * The protocol between relay and API, one integer. The API serves the current one and the two before.
 *
 * 1: enrol, poll, receipts, reports; intents, jobs, evidence of waking.
 * 2: releases: jobs of that kind, GET /v1/relay/blobs/{sha256}, the phases staged and activated, targets and recipients
 *    in reports. In results of receipts that tell of a failure: `excerpt`, which who does not know it passes over.
 *    Of the private CA: `authority` in parts and in reports, certificates of targets in reports.
 *    Since app.command: an intent's target, a receipt's, and one in a grant of trust may be the full name of a command of
 *    an app, `<guest>/<app>/<command>`. A relay from before it cannot read such an intent and drops it whole
 *    (`intent_malformed`), so that the order expires; and it keeps its older trust instead of a version that grants one.
 *    So relays are updated first.
 * 3: GitHub: a job's authorisation may be an ID token, and `time` a notary's attestation of it; `attest` in answers to
 *    polls, POST /v1/relay/times. A relay from before keeps its older trust instead of a version that names a workflow or
 *    a notary, so relays are updated first.
 */
export const protocolVersion = 3;

/** The oldest protocol that the API still serves. */
export const oldestProtocolVersion = Math.max(1, protocolVersion - 2);
