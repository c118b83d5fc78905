import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { digestOf } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import { readReceipt } from '../relay/agent/fixture.ts';
import { createGithubForger } from './forger-github.ts';
import { guests } from './law.ts';
import { papersWays, type receiptWays, type tokenWays } from './moves.ts';
import { type Paper, signReceiptOf } from './papers.ts';
import type { Scene } from './scene.ts';

type Way = (typeof papersWays)[number] | (typeof tokenWays)[number];
const isPapersWay = (way: Way): way is (typeof papersWays)[number] => papersWays.some((one) => one === way);

/** Makes what the adversary puts before a relay out of what was recorded and the keys that it holds. */
export function createForger(scene: Scene) {
  const { world, papers, ownReceipts, jobs, oracle } = scene;
  const github = createGithubForger(scene);
  const home = world.home.id;

  const signFor = ({ kind, digest }: Paper, key: SigningKey): Promise<string> =>
    signJws(kind, { home, kind, digest }, key);

  /** The paper as the adversary puts it before the relay. */
  const present = async (paper: Paper, how: Way, choice: number) => {
    if (!isPapersWay(how)) return { ...paper, authorisation: github.tokenFor(paper, how, choice) };
    switch (how) {
      case 'own':
        return { text: paper.text, digest: paper.digest, authorisation: paper.authorisation };
      case 'other':
        return { ...paper, authorisation: papers[choice % papers.length]!.authorisation };
      case 'restamped': {
        // The controller's key under somebody else's words: then they are the controller's, too.
        oracle.learn({ ...paper, author: 'controller' });
        return { ...paper, authorisation: await signFor(paper, world.controller) };
      }
      case 'by_relay':
      case 'by_stranger': {
        const key = how === 'by_relay' ? world.relayKeys.pve2 : world.stranger;
        return { ...paper, authorisation: await signFor(paper, key) };
      }
      case 'altered': {
        const body = JSON.parse(JSON.stringify(paper.body));
        (body.steps ?? body.parts)[0].target = guests[choice % guests.length];
        const bytes = new TextEncoder().encode(JSON.stringify(body));
        const digest = await digestOf(paper.kind, bytes);
        return { text: encodeBase64url(bytes), digest, authorisation: paper.authorisation };
      }
    }
  };

  const receiptsFor = async (paper: Paper, how: (typeof receiptWays)[number]): Promise<string[]> => {
    if (how === 'none') return [];
    if (how === 'foreign') {
      const others = papers.filter((other) => other !== paper).flatMap(({ receipts }) => receipts);
      return [...others, ...ownReceipts.filter((jws) => readReceipt(jws).intent !== paper.digest)].slice(
        0,
        8,
      );
    }
    if (how === 'forged') {
      const keys = [world.controller, world.stranger, world.relayKeys.pve1];
      const forged: string[] = [];
      for (const [index, step] of paper.steps.entries()) {
        for (const key of keys) {
          // What pve1 signs itself is no forgery.
          if (step.relay === 'pve1' && key === world.relayKeys.pve1) continue;
          forged.push(await signReceiptOf(home, paper, index, 'succeeded', key));
        }
      }
      return forged;
    }
    return [
      ...paper.receipts,
      ...ownReceipts.filter((jws) => readReceipt(jws).intent === paper.digest),
    ].slice(-64);
  };

  const mutate = (text: string, how: string, at: number): string => {
    const place = at % text.length;
    if (how === 'flip')
      return `${text.slice(0, place)}${text[place] === 'A' ? 'B' : 'A'}${text.slice(place + 1)}`;
    if (how === 'pad') return `${text}=`;
    if (how === 'space') return `${text.slice(0, place)} ${text.slice(place)}`;
    if (how === 'newline') return `${text}\n`;
    const [header, , signature] = text.split('.');
    const other = jobs[at % jobs.length]!.text.split('.')[1];
    return `${header}.${other}.${signature}`;
  };

  return { present, receiptsFor, mutate, timeFor: github.timeFor };
}
