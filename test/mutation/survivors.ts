/** Mutants of one line that no test notices, and why none could. */
export type Survivor = {
  readonly path: string;
  /** The line of the source that they are on, without its indentation. */
  readonly line: string;
  /** What stands there, and what took its place; breaks and spaces as one space. */
  readonly changes: readonly (readonly [before: string, after: string])[];
  readonly why: string;
};

const nobodyLooks = 'The value of this result is looked at by nobody: what counts is that it is ok.';

/** Every mutant that survives, with the reason. `npm run test:mutation` fails on one that is not here. */
export const survivors: readonly Survivor[] = [
  {
    path: 'relay/agent/journal-state.ts',
    line: 'trust: { version: trust.version, digest: trust.digest },',
    changes: [['{ version: trust.version, digest: trust.digest }', '{}']],
    why: 'Set only to be of its type: the same entry is applied again with all others right after.',
  },
  {
    path: 'relay/agent/journal-state.ts',
    line: 'head: { seq: head.seq, hash: head.hash },',
    changes: [['{ seq: head.seq, hash: head.hash }', '{}']],
    why: 'Set only to be of its type: the same entry is applied again with all others right after.',
  },
  {
    path: 'relay/agent/journal-state.ts',
    line: "case 'genesis':",
    changes: [["'genesis'", "''"]],
    why: 'The first entry was read already; without its case it falls out of the switch, which does nothing as well.',
  },
  {
    path: 'relay/agent/journal-state.ts',
    line: 'return;',
    changes: [['return;', '']],
    why: 'Of the case of the first entry: the case after it applies to a trust entry, whose members it lacks; a trust entry is always applied after it.',
  },
  {
    path: 'relay/agent/limits.ts',
    line: 'let taken: number[] = [];',
    changes: [['[]', "['mutated']"]],
    why: 'What is no number is in no window, so the first call drops it.',
  },
  {
    path: 'relay/agent/receipts.ts',
    line: 'if (order.after.length === 0) return ok(true);',
    changes: [['order.after.length === 0', 'false']],
    why: 'A shortcut: without it the receipts are read, and then nothing is wanted either.',
  },
  {
    path: 'relay/agent/trust-store.ts',
    line: "return controller?.kind === 'key' ? controller.jwk.x : '';",
    changes: [
      ["controller?.kind === 'key'", 'true'],
      ['?.', '.'],
      ["''", "'mutated'"],
    ],
    why: 'A document without a controller that has a key is never accepted, so both are always there.',
  },
  {
    path: 'relay/agent/verify-job.ts',
    line: 'return ok(true);',
    changes: [['true', 'false']],
    why: nobodyLooks,
  },
  {
    path: 'relay/agent/verify-job.ts',
    line: 'return grant !== null && withinLimit(grant, order.identity, ctx.journal.starts, ctx.livedMs);',
    changes: [['grant !== null', 'true']],
    why: 'The policy was asked right before, and denies every step without a grant.',
  },
  {
    path: 'relay/agent/verify-release.ts',
    line: "): OrderVerdict => ({ kind: 'denied', ordered, reason, ...(detail !== undefined && { detail }) });",
    changes: [['detail !== undefined', 'true']],
    why: 'Every denial of an order says why.',
  },
  {
    path: 'schema/trust/evaluate.ts',
    line: ': [],',
    changes: [['[]', "['mutated']"]],
    why: 'A name that no house has is left out right after.',
  },
  {
    path: 'relay/agent/verify-release.ts',
    line: 'const paths = findGrant(trust, identity, step.action, step.target)?.paths ?? [];',
    changes: [['?.', '.']],
    why: 'The policy was asked right before, and denies every step without a grant.',
  },
  {
    path: 'schema/github/keys.ts',
    line: 'if (verify !== null) keys.set(kid, verify);',
    changes: [['verify !== null', 'true']],
    why: 'Node takes every modulus and exponent that passed the checks before; WebCrypto, where this runs as well, may not.',
  },
  {
    path: 'schema/github/keys.ts',
    line: "fault: refuse('github_keys_unreachable'),",
    changes: [["'github_keys_unreachable'", "''"]],
    why: 'Of an issuer that was never asked: whoever finds its keys missing asks first, and then there are keys or another fault.',
  },
  {
    path: 'schema/github/pins.ts',
    line: '? ok(true)',
    changes: [['true', 'false']],
    why: nobodyLooks,
  },
  {
    path: 'schema/github/token.ts',
    line: 'const longestLifeMs = 10 * 60_000;',
    changes: [['60_000', '60001']],
    why: 'Lives are whole seconds: none is longer than ten minutes by ten milliseconds.',
  },
  {
    path: 'schema/github/token.ts',
    line: "const header = decodeBase64url(text.slice(0, Math.max(0, text.indexOf('.'))));",
    changes: [['0', '1']],
    why: 'Of a text without a full stop one character is as little a header as none.',
  },
  {
    path: 'schema/github/token.ts',
    line: '{ audience, now, seen = [] }: TokenView,',
    changes: [['[]', "['mutated']"]],
    why: 'What is no number is no time at which anything is alive.',
  },
  {
    path: 'schema/actions/sentence.ts',
    line: "if (typeof ms !== 'number' || !Number.isFinite(ms)) return 'some time';",
    changes: [["typeof ms !== 'number'", 'false']],
    why: 'Number.isFinite is false for what is no number; the compiler does not know.',
  },
  {
    path: 'schema/jose/keys.ts',
    line: "const probe = toBytes('writ/1/key-check');",
    changes: [["'writ/1/key-check'", "''"]],
    why: 'Any text shows whether the halves of a key belong together, also an empty one.',
  },
  {
    path: 'schema/jose/keys.ts',
    line: 'return ok(true);',
    changes: [['true', 'false']],
    why: nobodyLooks,
  },
  {
    path: 'schema/jose/strict-json.ts',
    line: 'if (fault instanceof JsonFault) return refuse(fault.reason, fault.message);',
    changes: [['fault instanceof JsonFault', 'true']],
    why: 'Nothing else is thrown in there, unless by a bug.',
  },
  {
    path: 'schema/jose/strict-json.ts',
    line: 'if (!text.startsWith(word, at)) return malformed();',
    changes: [['malformed()', 'undefined']],
    why: 'Without a word read, what follows is still the first character of it, which nothing else may begin with: malformed at the same place.',
  },
  {
    path: 'schema/trust/web-url.ts',
    line: 'if (!URL.canParse(text)) return false;',
    changes: [
      ['false', 'undefined'],
      ['false', 'true'],
    ],
    why: 'What is no address was refused by the check for addresses before, whose sentence is the one that is told.',
  },
  {
    path: 'schema/trust/read.ts',
    line: "const signers = await countSigners(jws, new Map([...old.value.roots, ...roots]), 'refuse');",
    changes: [["'refuse'", "''"]],
    why: 'One of two words, of which only the other is compared with.',
  },
  {
    path: 'schema/trust/read.ts',
    line: 'if (!bytes.ok) return null;',
    changes: [
      ['!bytes.ok', 'false'],
      ['null', 'undefined'],
    ],
    why: 'Without bytes the text is empty, which is no JSON either; and no number is below or equal to undefined.',
  },
  {
    path: 'schema/trust/read.ts',
    line: '} catch {',
    changes: [['{ return null; }', '{}']],
    why: 'Gives undefined, and no number is above or equal to that: the document goes on to be judged, as with null.',
  },
  {
    path: 'schema/trust/read.ts',
    line: 'return null;',
    changes: [['null', 'undefined']],
    why: 'No number is above or equal to undefined: the document goes on to be judged, as with null.',
  },
  {
    path: 'schema/jose/digest.ts',
    line: "const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));",
    changes: [['256', '257']],
    why: 'One more row of a table in which bytes are looked up, and no byte is 256.',
  },
  {
    path: 'schema/trust/paths.ts',
    line: 'const linked = /^(?:bin|sbin|lib|lib32|lib64|libx32)$/;',
    changes: [
      ['^', ''],
      ['$', ''],
    ],
    why: 'Nothing that no release may touch is in a folder of /usr whose name only ends or begins like one of these.',
  },
  {
    path: 'schema/trust/paths.ts',
    line: 'return neverParts.some((pattern) => pattern.length > parts.length && begins(pattern));',
    changes: [['>', '>=']],
    why: 'A path that fits a pattern part by part is such a path itself, which was asked before.',
  },
  {
    path: 'schema/wire/age-recipient.ts',
    line: 'const known = Object.hasOwn(kinds, prefix) ? kinds[prefix] : undefined;',
    changes: [['Object.hasOwn(kinds, prefix)', 'true']],
    why: 'What every object has is no kind with a number of bytes, so no text has its length.',
  },
  {
    path: 'schema/wire/age-recipient.ts',
    line: 'if (values.length !== Math.ceil(bits / 5) + checksumLength || values.includes(-1)) return null;',
    changes: [['1', '2']],
    why: 'A character of no alphabet counts as one that spoils the checksum, which is looked at after it.',
  },
  {
    path: 'schema/wire/age-recipient.ts',
    line: 'const padding = (5 - (bits % 5)) % 5;',
    changes: [['5', '6']],
    why: 'Of the last of the three: no kind of key is whole groups of five bits, so nothing is left over.',
  },
  {
    path: 'schema/github/claims.ts',
    line: 'const secondsSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1e11));',
    changes: [['1e11', '100000000001']],
    why: 'A time of the year 5138 is refused all the same, as one of the future or of too long a life.',
  },
  {
    path: 'relay/agent/notary.ts',
    line: 'const postMs = 20_000;',
    changes: [['20_000', '20001']],
    why: 'How long an answer is waited for: nothing hangs on a millisecond.',
  },
  {
    path: 'relay/agent/notary.ts',
    line: 'maxBytes: 1024,',
    changes: [['1024', '1025']],
    why: 'The only answer that is taken is `{}`.',
  },
  {
    path: 'schema/trust/verify-order.ts',
    line: 'seen: [...(here === undefined ? [] : [here]), ...(attested?.ok ? [attested.value] : [])],',
    changes: [
      ['here === undefined', 'false'],
      ['[]', "['mutated']"],
    ],
    why: 'At a time that is no number no token is alive: such a sight counts for nothing, as none does.',
  },
  {
    path: 'schema/trust/verify-order.ts',
    line: "return name !== undefined && isNotary(trust, name) ? keyOf(trust, 'relay', name)(kid) : undefined;",
    changes: [['name !== undefined', 'true']],
    why: 'For types alone: no identity is found for a name that is not there.',
  },
];
