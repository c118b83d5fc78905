/** Where the verifier is entered: what judges a job, what evaluates trust, and what takes newer trust. */
export const entryPoints: readonly string[] = [
  'relay/agent/verify-job.ts',
  'schema/trust/evaluate.ts',
  'schema/trust/read.ts',
  'relay/agent/trust-store.ts',
];

/** The files that are mutated: all that loads with the entry points (a test compares). */
export const mutate: readonly string[] = [
  'relay/agent/disk.ts',
  'relay/agent/journal-state.ts',
  'relay/agent/limits.ts',
  'relay/agent/receipts.ts',
  'relay/agent/trust-store.ts',
  'relay/agent/turns.ts',
  'relay/agent/verify-job.ts',
  'schema/actions/action.ts',
  'schema/actions/guest-reboot-in-use.ts',
  'schema/actions/guest-reboot.ts',
  'schema/actions/guest-resume.ts',
  'schema/actions/guest-shutdown-in-use.ts',
  'schema/actions/guest-shutdown.ts',
  'schema/actions/guest-start.ts',
  'schema/actions/guest-stop.ts',
  'schema/actions/guest-suspend-in-use.ts',
  'schema/actions/guest-suspend.ts',
  'schema/actions/host-reboot-in-use.ts',
  'schema/actions/host-reboot.ts',
  'schema/actions/host-shutdown-in-use.ts',
  'schema/actions/host-shutdown.ts',
  'schema/actions/host-wake.ts',
  'schema/actions/index.ts',
  'schema/actions/sentence.ts',
  'schema/chain/chain.ts',
  'schema/jose/base64url.ts',
  'schema/jose/digest.ts',
  'schema/jose/jws.ts',
  'schema/jose/keys.ts',
  'schema/jose/strict-json.ts',
  'schema/result.ts',
  'schema/trust/document.ts',
  'schema/trust/evaluate.ts',
  'schema/trust/read.ts',
  'schema/wire/ids.ts',
  'schema/wire/intent.ts',
  'schema/wire/job.ts',
  'schema/wire/limits.ts',
  'schema/wire/receipt.ts',
  'schema/wire/record.ts',
  'schema/wire/relay-api.ts',
  'schema/wire/report.ts',
];

/** The tests that must notice a mutant: those of the mutated files that need no other process and no network. */
export const testPatterns: readonly string[] = [
  'test/schema/{actions,chain,jose,trust,wire}/*.test.ts',
  'test/relay/agent/{journal-state,limits,receipts,trust-store,turns,verify-job-*}.test.ts',
];
