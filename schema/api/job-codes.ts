import type { CodeCard } from './code-card.ts';

/** Why a relay left alone what it was handed: in its log, and counted in its reports. */
export const jobCodes = {
  not_admitted: {
    title: 'Not admitted yet',
    meaning: 'The trust document names no such relay, so it takes no jobs.',
    todo: 'Approve it: `writ relays approve`.',
  },
  job_home: {
    title: 'Job of another home',
    meaning: 'The job was left alone.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  job_relay: {
    title: 'Job of another relay',
    meaning: 'The job was left alone.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  job_session: {
    title: 'Job of another run',
    meaning: 'The job repeats the nonce of an earlier run, so it was recorded. It was left alone.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  job_replayed: {
    title: 'Job seen before',
    meaning: 'Its number was seen in this run. It was left alone.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  job_expired: {
    title: 'Job too old',
    meaning: 'Its envelope is over its time, or promises too much of it. It was left alone.',
    todo: 'Check the clocks of both; the control plane offers it again.',
  },
  clock_behind: {
    title: 'Relay’s clock went back',
    meaning: 'The clock is behind what the journal has seen, so nothing is executed.',
    todo: 'Set the clock. `writ-relay clock accept` mends a journal that a wrong clock ran ahead.',
  },
  authorisation_home: {
    title: 'Authorisation of another home',
    meaning: 'The job was left alone.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  authorisation_digest: {
    title: 'Authorisation of other bytes',
    meaning: 'What was signed is not what was handed over. The job was left alone.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  intent_home: {
    title: 'Intent of another home',
    meaning: 'The job was left alone.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  intent_not_yet: {
    title: 'Intent from the future',
    meaning: 'It was issued later than now by the relay’s clock. The job was left alone.',
    todo: 'Check the clocks.',
  },
  intent_before_enrolment: {
    title: 'Intent older than the relay',
    meaning: 'It was issued before this relay enrolled, so it may have run already. The job was left alone.',
    todo: 'Order again.',
  },
  step_unknown: {
    title: 'No such step',
    meaning: 'The job names a step that its intent does not have. It was left alone.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  step_not_ours: {
    title: 'Step of another relay',
    meaning: 'The job was left alone.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  jws_too_large: {
    title: 'Signed text too large',
    meaning: 'It was not read.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  jws_malformed: {
    title: 'Signed text malformed',
    meaning: 'It is no compact JWS in canonical form.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  jws_header: {
    title: 'Signed text of another kind',
    meaning: 'Its header is not exactly what this kind has.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  jws_key_unknown: {
    title: 'Signed by an unknown key',
    meaning: 'Trust names no such key for this.',
    todo: 'If trust changed lately, wait until the relay has fetched it. If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  jws_signature: {
    title: 'Signature wrong',
    meaning: 'It does not verify.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  jws_payload: {
    title: 'Signed content of another shape',
    meaning: 'It verifies, but is not what this version knows.',
    todo: 'Check the versions of relay and control plane.',
  },
  json_too_large: {
    title: 'JSON too large',
    meaning: 'It was not read.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  json_not_utf8: {
    title: 'JSON not UTF-8',
    meaning: 'It was not read.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  json_malformed: {
    title: 'JSON malformed',
    meaning: 'It was not read.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  json_too_deep: {
    title: 'JSON too deep',
    meaning: 'It was not read.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  json_duplicate_key: {
    title: 'JSON with a key twice',
    meaning: 'Two parsers would read it differently, so it was not read.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  evidence_foreign: {
    title: 'Report of another host',
    meaning: 'A report handed over as evidence of waking is of another host. It was not believed.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  evidence_from_the_future: {
    title: 'Report from the future',
    meaning: 'A report handed over as evidence is ahead of the relay’s clock. It was not believed.',
    todo: 'Check the clocks of both hosts.',
  },
  heartbeat_refused: {
    title: 'Heartbeat not believed',
    meaning: 'The answer to a poll had no valid heartbeat, so nothing in it was taken.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  heartbeat_home: {
    title: 'Heartbeat of another home',
    meaning: 'It was not believed.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  heartbeat_relay: {
    title: 'Heartbeat of another relay',
    meaning: 'It was not believed.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  heartbeat_session: {
    title: 'Heartbeat of another run',
    meaning: 'It was recorded earlier, and not believed.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  heartbeat_poll: {
    title: 'Heartbeat of another poll',
    meaning: 'It was recorded earlier, and not believed.',
    todo: 'If it persists, somebody replays or changes what the control plane sends; the relay did nothing.',
  },
  heartbeat_time: {
    title: 'Heartbeat of another time',
    meaning: 'Its time is too far from the relay’s clock.',
    todo: 'Check the clocks of both.',
  },
  poll_failed: {
    title: 'Poll failed',
    meaning:
      'No origin of the trust document answered as the control plane does. The relay tries again with pauses.',
    todo: 'Check the network, and that `writ serve` runs.',
  },
  closing: {
    title: 'Relay is stopping',
    meaning: 'The relay was stopping, so the step was left for its next run.',
    todo: 'Nothing.',
  },
  no_heartbeat: {
    title: 'Control plane not heard of',
    meaning: 'No valid heartbeat came for ten minutes. What relays do on their own goes on.',
    todo: 'Check the control plane’s machine. If it seems to run, somebody may be holding its answers back.',
  },
  audit_forked: {
    title: 'Audit log was changed',
    meaning: 'The control plane showed a head of its audit log that contradicts an earlier one.',
    todo: 'Treat the control plane as taken: stop it, keep its disk, and sign a trust document with another controller key.',
  },
  witness: {
    title: 'Witness of the audit log',
    meaning: 'No fault: once a day a relay tells the alarm path what it saw of the audit log.',
    todo: 'Nothing. Keep it; `writ audit verify --witness` compares the log with it.',
  },
  trust_refused: {
    title: 'Newer trust refused',
    meaning:
      'A newer trust document was offered that does not follow the one in force, which stays in force.',
    todo: 'If you did not sign it, treat the control plane as taken.',
  },
  state_restored: {
    title: 'Relay’s state was restored from a copy',
    meaning:
      'The relay signed receipts that its journal does not know, so it could run orders twice. It runs none.',
    todo: 'Enrol the relay again at its console: `writ relays add`, `writ-relay enroll --again`.',
  },
  receipts_unconfirmed: {
    title: 'Receipts are not confirmed',
    meaning:
      'Thousands of the relay’s receipts wait for the control plane to confirm them. So that its journal does not grow without end, the relay begins nothing more; what has begun is brought to its end.',
    todo: 'Look at the control plane’s log. The relay goes on by itself as soon as receipts are confirmed.',
  },
  too_many_refusals: {
    title: 'Too many steps refused',
    meaning:
      'A thousand steps were refused within an hour, each with a receipt. Further ones are left alone until fewer are.',
    todo: 'Somebody orders again and again what trust does not grant: find out which command it is.',
  },
  journal_unwritable: {
    title: 'Relay cannot write its journal',
    meaning: 'Without a durable journal nothing is executed. Jobs wait.',
    todo: 'Check the disk of the relay’s host: full, or mounted read-only. It goes on by itself.',
  },
} as const satisfies { readonly [code: string]: CodeCard };
