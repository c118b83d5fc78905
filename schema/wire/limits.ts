const kib = 1024;

/** An intent's bytes: 64 steps with parameters fit many times over. */
export const maxIntentBytes = 64 * kib;
/** A job embeds an intent as base64url, its authorisation, and up to 64 receipts. */
export const maxJobBytes = 512 * kib;
export const maxReceiptBytes = 8 * kib;
export const maxReportBytes = 128 * kib;
export const maxHeartbeatBytes = 4 * kib;
export const maxAuthorisationBytes = 2 * kib;
/** GitHub's ID tokens have between 2 and 3 KiB. */
export const maxGithubTokenBytes = 8 * kib;
export const maxProofBytes = 2 * kib;
export const maxTokenBytes = 16 * kib;
export const maxTrustBytes = 1024 * kib;
/** All versions of trust that a relay may be behind, in one answer or mirror file. */
export const maxTrustChainBytes = 8 * 1024 * kib;
/** How many versions, and bytes of JSON, the control plane takes in one request: those that it slept through. */
export const maxTrustUploadVersions = 32;
export const maxTrustUploadBytes = 2 * maxTrustBytes;
/** A blob of a release: a part, a file, an age file. */
export const maxBlobBytes = 8 * 1024 * kib;
/** Any request's body but a trust document or a blob. */
export const maxBodyBytes = 512 * kib;
/** A poll's answer: a few jobs, evidence and a heartbeat. */
export const maxPollAnswerBytes = 4 * 1024 * kib;

/** How long the API parks a poll. */
export const pollWaitMs = 45_000;
/** A relay that verified no heartbeat for this long alarms its owner. */
export const heartbeatLimitMs = 10 * 60_000;
/** How long a job may be on its way. */
export const jobLifetimeMs = 5 * 60_000;
/** How far clocks of two machines may differ. */
export const clockSkewMs = 30_000;
/** An intent lives this long unless its steps need longer. */
export const intentLifetimeMs = 15 * 60_000;
export const maxIntentLifetimeMs = 12 * 60 * 60_000;
/** How long an order waits for the operator's approval. Its intent lives so much longer. */
export const approvalWaitMs = 15 * 60_000;
/** How many orders of one caller may wait for approval at a time. */
export const maxWaitingOrders = 8;
export const enrolmentCodeLifetimeMs = 30 * 60_000;
/** The longest that a caller may wait for an outcome in one request. */
export const maxCallerWaitMs = 50_000;
/** A relay reports at least this often, and at once on a change. */
export const reportIntervalMs = 60_000;
/** From this long before the trust document expires, everyone who looks is warned. */
export const trustWarningMs = 60 * 24 * 60 * 60_000;

/** The longest that a command of an app may take: an order of one lives a little longer. */
export const maxCommandMs = 2 * 60 * 60_000;
