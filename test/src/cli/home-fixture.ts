import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { type Digest, digestOf, toBytes } from '../../../schema/jose/digest.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import { generateKey, type SigningKey } from '../../../schema/jose/keys.ts';
import type { HouseFile } from '../../../schema/manifest/house.ts';
import { acceptGenesisTrust, acceptNextTrust, signTrust, type Trust } from '../../../schema/trust/read.ts';
import type { Intent, Step } from '../../../schema/wire/intent.ts';
import type { Receipt } from '../../../schema/wire/receipt.ts';
import type { Report } from '../../../schema/wire/report.ts';
import { readHouseFile } from '../../../src/cli/house-file.ts';
import { admitRelays, firstTrust } from '../../../src/cli/make-trust.ts';

export const homeId = 'h_01JD8Q3S5T7V9W0X1Y2Z3A4B5C';
export const now = 1_800_000_000_000;

export const exampleHouse = (): HouseFile => {
  const text = readFileSync(join(import.meta.dirname, '../../../examples/house.yaml'), 'utf8');
  const house = readHouseFile('house.yaml', text);
  assert.ok(house.ok);
  return house.value;
};

export type Fixture = {
  readonly house: HouseFile;
  readonly trust: Trust;
  readonly root: SigningKey;
  readonly operator: SigningKey;
  readonly controller: SigningKey;
  readonly relays: Readonly<Record<'cloud' | 'pve1' | 'pve2', SigningKey>>;
};

/** The example's home with all relays admitted, as `writ init` and `writ relays approve` make it. */
export async function makeFixture(given: { readonly operator?: SigningKey } = {}): Promise<Fixture> {
  const house = exampleHouse();
  const [root, paper, made, controller, cloud, pve1, pve2] = (
    await Promise.all(Array.from({ length: 7 }, generateKey))
  ).map(({ signing }) => signing) as [
    SigningKey,
    SigningKey,
    SigningKey,
    SigningKey,
    SigningKey,
    SigningKey,
    SigningKey,
  ];
  const operator = given.operator ?? made;
  const document = firstTrust({
    home: homeId,
    now,
    roots: [
      { kid: 'root-desk', jwk: root.jwk },
      { kid: 'root-paper', jwk: paper.jwk },
    ],
    controller: controller.jwk,
    operator: operator.jwk,
    origins: [{ url: 'https://127.0.0.1:8420' }],
    house,
  });
  assert.ok(document.ok);
  const first = await acceptGenesisTrust(await signTrust(document.value, [root]));
  assert.ok(first.ok, first.ok ? '' : first.detail);
  const relays = { cloud, pve1, pve2 };
  const statements = Object.entries(relays).map(([relay, key]) => ({
    home: homeId,
    relay,
    code: 'enr_01JD8Q3S5T7V9W0X1Y2Z3A4B5C',
    trust: first.value.digest,
    jwk: key.jwk,
    facts: { hostname: relay, macs: [], guests: [] },
  }));
  const next = admitRelays(first.value, statements, now);
  const second = await acceptNextTrust(first.value, await signTrust(next.document, [root]));
  assert.ok(second.ok, second.ok ? '' : second.detail);
  return { house, trust: second.value, root, operator, controller, relays };
}

export const step = (relay: string, action: string, target: string, more: Partial<Step> = {}): Step => ({
  relay,
  action,
  target,
  params: {},
  after: [],
  ...more,
});

/** An intent's bytes as base64url, and its digest, as a plan has them. */
export async function planOf(
  steps: readonly Step[],
  more: Partial<Intent> = {},
): Promise<{ intent: string; digest: Digest }> {
  const intent: Intent = {
    home: homeId,
    steps: [...steps],
    nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
    issued_at: now,
    expires: now + 15 * 60_000,
    ...more,
  };
  const bytes = toBytes(JSON.stringify(intent));
  return { intent: encodeBase64url(bytes), digest: await digestOf('intent', bytes) };
}

export const receiptBy = (key: SigningKey, receipt: Partial<Receipt>): Promise<string> =>
  signJws(
    'receipt',
    {
      home: homeId,
      relay: 'pve2',
      seq: 1,
      previous: `sha256:${'0'.repeat(64)}`,
      intent: `sha256:${'1'.repeat(64)}`,
      step: 0,
      action: 'guest.start',
      target: 'gaming',
      state: 'succeeded',
      code: null,
      result: { already: false },
      time: now,
      boot: 'boot',
      ...receipt,
    },
    key,
  );

/** A relay's report, as it signs it. */
export const reportBy = (key: SigningKey, report: Partial<Report>): Promise<string> =>
  signJws(
    'report',
    {
      home: homeId,
      relay: 'pve2',
      seq: 1,
      time: Date.now(),
      boot: 'boot',
      uptime_ms: 1,
      version: '0.1.0',
      protocol: 2,
      trust_version: 2,
      clock_synchronised: true,
      proxmox: 'ok',
      guests: {},
      progress: [],
      refused: { count: 0, code: null },
      ...report,
    },
    key,
  );
