import * as v from 'valibot';
import { digestBytes } from '../../schema/jose/digest.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { maxBlobBytes } from '../../schema/wire/limits.ts';
import { type ActAnswer, actConfirmedSchema, actLacksSchema } from '../drivers/act-messages.ts';
import type { FrameLink } from '../drivers/frame-link.ts';

/** How long the relay may take to fetch what is needed. */
const blobMs = 5 * 60_000;

export const say = (link: FrameLink, answer: ActAnswer): void => link.send(answer);

/** More than the relay waits for the ways to work again. */
const confirmMs = 2 * 60_000;

/** Asks the relay whether this host is reached. Who is gone, or says nothing, has not confirmed it. */
export async function confirm(
  link: FrameLink,
  when: 'before' | 'after',
  stop: AbortSignal,
): Promise<Result<true, 'cut_off' | 'aborted'>> {
  if (link.gone.aborted) return refuse('cut_off', 'the relay is gone');
  say(link, { k: 'confirm', when });
  const frame = await link.next(confirmMs, { json: 1024, bytes: 0 }, stop);
  const said =
    frame.ok && frame.value.kind === 'json' ? v.safeParse(actConfirmedSchema, frame.value.value) : null;
  if (said?.success === true && said.output.code === null) return ok(true);
  if (stop.aborted) return refuse('aborted');
  const why = said?.success === true ? said.output.detail : undefined;
  return refuse('cut_off', why ?? 'the relay has not confirmed the change');
}

/** Asks the relay for bytes, and compares them. */
export async function fetchBlob(
  link: FrameLink,
  digest: string,
  stop: AbortSignal,
): Promise<Result<Uint8Array<ArrayBuffer>, string>> {
  if (link.gone.aborted) return refuse('act_interrupted', 'the relay is gone');
  say(link, { k: 'need', digest });
  const frame = await link.next(blobMs, { json: 1024, bytes: maxBlobBytes }, stop);
  if (!frame.ok) {
    return frame.reason === 'closed'
      ? refuse('act_interrupted', 'the relay is gone')
      : refuse('blob_missing', `${digest}: ${frame.reason}`);
  }
  if (frame.value.kind === 'json') {
    const lacks = v.safeParse(actLacksSchema, frame.value.value);
    return refuse(lacks.success ? lacks.output.code : 'blob_missing', digest);
  }
  return (await digestBytes(frame.value.bytes)) === digest
    ? ok(frame.value.bytes)
    : refuse('blob_wrong', `what was brought is not ${digest}`);
}
