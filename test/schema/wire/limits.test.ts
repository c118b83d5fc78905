import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as limits from '../../../schema/wire/limits.ts';

const { maxAuthorisationBytes, maxBodyBytes, maxHeartbeatBytes, maxIntentBytes, maxJobBytes } = limits;
const { maxPollAnswerBytes, maxProofBytes, maxReceiptBytes, maxReportBytes, maxTokenBytes } = limits;
const { maxTrustBytes, maxTrustChainBytes, maxTrustUploadBytes, maxTrustUploadVersions } = limits;

test('threat 7: what is read is bounded, in bytes', () => {
  assert.deepEqual(
    [maxProofBytes, maxAuthorisationBytes, maxHeartbeatBytes, maxReceiptBytes, maxTokenBytes],
    [2_048, 2_048, 4_096, 8_192, 16_384],
  );
  assert.deepEqual(
    [maxIntentBytes, maxReportBytes, maxBodyBytes, maxJobBytes, maxPollAnswerBytes],
    [65_536, 131_072, 524_288, 524_288, 4_194_304],
  );
  assert.deepEqual(
    [maxTrustBytes, maxTrustUploadBytes, maxTrustUploadVersions, maxTrustChainBytes, limits.maxBlobBytes],
    [1_048_576, 2_097_152, 32, 8_388_608, 8_388_608],
  );
});

test('what is waited for and what lives is bounded, in seconds, minutes, hours and days', () => {
  const seconds = (ms: number): number => ms / 1000;
  assert.deepEqual(
    [limits.clockSkewMs, limits.pollWaitMs, limits.maxCallerWaitMs, limits.reportIntervalMs].map(seconds),
    [30, 45, 50, 60],
  );
  const { jobLifetimeMs, heartbeatLimitMs, intentLifetimeMs, enrolmentCodeLifetimeMs } = limits;
  assert.deepEqual(
    [jobLifetimeMs, heartbeatLimitMs, intentLifetimeMs, enrolmentCodeLifetimeMs].map(
      (ms) => seconds(ms) / 60,
    ),
    [5, 10, 15, 30],
  );
  assert.equal(seconds(limits.maxIntentLifetimeMs) / 3600, 12);
  assert.deepEqual([seconds(limits.approvalWaitMs) / 60, limits.maxWaitingOrders], [15, 8]);
  assert.equal(seconds(limits.trustWarningMs) / 86_400, 60);
});
