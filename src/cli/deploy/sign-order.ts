import { type Digest, digestOf, toBytes } from '../../../schema/jose/digest.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import type { ReleaseOrder, ReleaseOrderNumber } from '../../../schema/wire/release-order.ts';
import { byText } from '../../config/repo.ts';
import type { Home } from '../home.ts';

export type SignedOrder = {
  readonly order: ReleaseOrder;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** digestOf('release') of the bytes: what receipts name. */
  readonly digest: Digest;
  readonly authorisation: string;
};

/** Signs an order that was made here. No byte of it is another's: a control plane only learns it. */
export async function signOrder(
  { file, operator }: Pick<Home, 'file' | 'operator'>,
  from: {
    readonly release: Digest;
    readonly commit: string | null;
    readonly number: ReleaseOrderNumber;
    readonly parts: readonly { readonly relay: string; readonly target: string; readonly digest: Digest }[];
    readonly again: boolean;
    readonly now: number;
  },
): Promise<SignedOrder> {
  const order: ReleaseOrder = {
    v: 1,
    home: file.home,
    release: from.release,
    commit: from.commit,
    order: from.number,
    issued_at: from.now,
    parts: from.parts
      .map(({ relay, target, digest }) => ({
        relay,
        target,
        digest,
        ...(from.again && { again: true as const }),
      }))
      .sort((a, b) => byText(a.target, b.target)),
  };
  const bytes = toBytes(canonicalJson(order));
  const digest = await digestOf('release', bytes);
  const said = { home: file.home, kind: 'release', digest };
  return { order, bytes, digest, authorisation: await signJws('release', said, operator) };
}
