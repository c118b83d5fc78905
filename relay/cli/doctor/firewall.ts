import { type Finding, fault, fine, notChecked } from '../../../schema/doctor.ts';
import type { Check } from './check.ts';

const code = 'firewall_tailnet';
const mend =
  'nft add table inet writ; nft add chain inet writ input "{ type filter hook input priority -10; }"; nft add rule inet writ input iifname "tailscale0" ct state new drop; and keep it in /etc/nftables.conf';

/** libnftables-json(5), as far as it is looked at. */
type Item = {
  readonly chain?: {
    readonly family: string;
    readonly table: string;
    readonly name: string;
    readonly type?: string;
    readonly hook?: string;
    readonly policy?: string;
  };
  readonly rule?: {
    readonly family: string;
    readonly table: string;
    readonly chain: string;
    readonly expr: readonly Readonly<Record<string, unknown>>[];
  };
};

/** A second wall behind shields-up: what is new from the tailnet is dropped. */
export const checkFirewall: Check = async ({ run, isRoot }) => {
  if (!isRoot) return [notChecked(code, 'The firewall is for root alone to see: run it as root.')];
  const links = await run(['ip', '-o', 'link', 'show', 'tailscale0']);
  if (links === null || links.status !== 0)
    return [notChecked(code, 'There is no interface tailscale0 here.')];
  const listed = await run(['nft', '-j', 'list', 'ruleset']);
  if (listed === null || listed.status !== 0) {
    return [
      fault(
        code,
        'No nftables firewall is there: what comes in from the tailnet is not dropped.',
        `apt install nftables; ${mend}`,
      ),
    ];
  }
  return [judgeRuleset(listed.out)];
};

/** Whether some input chain drops what is new from the tailnet before any other could take it. */
export function judgeRuleset(text: string): Finding {
  let items: readonly Item[];
  try {
    items = (JSON.parse(text) as { nftables: readonly Item[] }).nftables;
  } catch {
    return notChecked(code, 'nft answered in a form that is not known here.');
  }
  const inputs = items.flatMap(({ chain }) =>
    chain?.hook === 'input' && chain.type === 'filter' ? [chain] : [],
  );
  for (const chain of inputs) {
    const rules = items.flatMap(({ rule }) =>
      rule?.family === chain.family && rule.table === chain.table && rule.chain === chain.name
        ? [rule.expr]
        : [],
    );
    for (const expr of rules) {
      const drops = expr.some((part) => 'drop' in part || 'reject' in part);
      if (drops && isOfTailnet(expr) && onlyOfNew(expr))
        return fine(code, 'What is new from the tailnet is dropped.');
      // Whoever is let in by a rule of the tailnet is in, whatever the policy.
      if (expr.some((part) => 'accept' in part || 'jump' in part || 'goto' in part) && mayTakeNew(expr))
        break;
    }
    const takes = rules.some(
      (expr) => expr.some((part) => 'accept' in part || 'jump' in part || 'goto' in part) && mayTakeNew(expr),
    );
    if (chain.policy === 'drop' && !takes)
      return fine(code, 'What is new from the tailnet is dropped, as all else.');
  }
  return fault(code, 'The firewall does not drop what is new from the tailnet.', mend);
}

type Match = { readonly left: unknown; readonly right: unknown; readonly op: string };
const matches = (expr: readonly Readonly<Record<string, unknown>>[]): Match[] =>
  expr.flatMap((part) => ('match' in part ? [part.match as Match] : []));
const keyOf = (left: unknown): string => JSON.stringify(left);
const namesOf = (right: unknown): string[] => {
  const set = (right as { set?: unknown[] } | null)?.set ?? right;
  return (Array.isArray(set) ? set : [set]).map(String);
};
const isInterface = ({ left }: Match): boolean => /"i?ifname"|"iif"/.test(keyOf(left));
const isState = ({ left }: Match): boolean => keyOf(left).includes('"state"');

const isOfTailnet = (expr: readonly Readonly<Record<string, unknown>>[]): boolean =>
  matches(expr).some(
    (match) => isInterface(match) && match.op !== '!=' && namesOf(match.right).includes('tailscale0'),
  );
/** Nothing narrows the drop but the interface and that a connection is new. */
const onlyOfNew = (expr: readonly Readonly<Record<string, unknown>>[]): boolean =>
  matches(expr).every(
    (match) => isInterface(match) || (isState(match) && namesOf(match.right).includes('new')),
  );
/** Whether a rule may let something new from the tailnet in: none of its words rules that out. */
const mayTakeNew = (expr: readonly Readonly<Record<string, unknown>>[]): boolean =>
  !matches(expr).some(
    (match) =>
      (isInterface(match) && match.op !== '!=' && !namesOf(match.right).includes('tailscale0')) ||
      (isState(match) && !namesOf(match.right).includes('new') && match.op !== '!='),
  );
