import { isUnitFile } from '../../../schema/quadlet/names.ts';
import { dialectOf, parseUnit } from '../../../schema/quadlet/syntax.ts';
import { splitWords } from '../../../schema/quadlet/words.ts';

const keyBlock = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY|AGE-SECRET-KEY-(?:PQ-)?1|^PuTTY-User-Key-File-/m;

/** Names of values that are secret, as `_`-separated words in lower case. */
const secretName =
  /(?:password|passwd|passphrase|requirepass)$|(?:^|_)(?:pass|pw|secret|token|api_?key|private_?key|access_?key|secret_?key|preshared_?key|encryption_?key|auth_?key|session_?key|signing_?key|psk|credentials?)$/;

/** What stands for a value and is none: references, paths, choices, numbers. */
const notSecret = [
  // Variables and hashes, specifiers, templates, tags, anchors, the beginning of something nested, paths.
  /^\$(?:[({$]|[A-Za-z_]\w*$|[0-9a-z]{1,10}\$|__)/,
  /^%[%({A-Za-z]/,
  /^(?:[[{]|<%|<<?[\w-]+>>?$)/,
  /^(?:![\w/]+(?:\s|$)|[*&]\w+\s*$|[>|][-+]?\d?$)/,
  /^(?:\.{0,2}|~)\//,
  /^(?:file|env|secret|vault):/i,
  /^(?:true|false|yes|no|on|off|null|none|nil|required|optional|always|never|\*+|x+|-+|\.+)$/i,
  /^\d{1,5}(?:\.\d+)?[a-z]{0,2}$/i,
  /^~writ:secret:/,
];

/** Files that programs keep for passwords and tokens alone, in forms of their own. */
const ofCredentials =
  /(?:^|\/)(?:[._]?netrc|\.?pgpass(?:\.conf)?|\.git-credentials|\.vault-token|\.?smbcredentials|(?:chap|pap)-secrets|sasl_passwd|\.dockercfg|\.docker\/config\.json|containers\/auth\.json)$/;

/** Files of one word, whose name says that it is a secret: `/etc/restic/pass`, `db_password.txt`. */
const namedSecret =
  /(?:^|[/._-])(?:pass|passwd|passwords?|passphrase|secrets?|tokens?|api[_-]?key|auth[_-]?key|psk)(?:\.(?:txt|secret|key))?$/i;
const oneWord = /^\s*(\S{3,})\s*$/;
/** `me:$apr1$…`, as files of passwords for a service have it. */
const hashed = /:\$[\w-]+\$/;

/** `machine example.net login me password x`, as .netrc has it, perhaps over several lines. */
const loginWithPassword = /(?:^|\s)login\s+\S+\s+password\s+\S/;
/** `requirepass x`: the name and the value are the whole line. */
const twoWords = /^\s*(password|passwd|passphrase|requirepass|masterauth)\s+("[^"]+"|'[^']+'|\S+)\s*$/;

/** `NAME=value`, `name: value`, `"name": "value",`, `'name' => 'value'`. */
const assignment =
  /^[\s{,]*(?:export\s+|set\s+|-\s+)*["']?([A-Za-z][\w.-]*)["']?\s*(?:=>|[:=])\s*(.*?)[\s,}]*$/;
/** Members of what stands in one line: `{ url: x, token: "y" }`. */
const members = /[{,]\s*["']?([A-Za-z][\w.-]*)["']?\s*[:=]\s*("[^"]*"|'[^']*'|[^\s,{}[\]"']+)/g;
/** A variable of Kubernetes, `name: X` and `value: y` in lines of their own or in one. */
const nameAndValue =
  /\bname:\s*["']?([A-Za-z][\w.-]*)["']?\s*(?:,|\n)\s*value:\s*("[^"\n]*"|'[^'\n]*'|[^\s,}]+)/g;
const secretOfKubernetes = /^kind:\s*["']?Secret["']?\s*$/m;
const longKey = /^[A-Za-z0-9+/=_-]{64,}$/;
const credentialsInUrl = /[a-z][a-z0-9+.-]*:\/\/[^\s:/@"'$%{<]*:([^\s:/@"'$%{<][^\s:/@"']{2,})@/i;

const snake = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[-.]/g, '_')
    .toLowerCase();

function isSecret(name: string, given: string): boolean {
  const value = given.trim().replace(/^(["'])(.*)\1$/s, '$2');
  if (value.length < 3 || notSecret.some((pattern) => pattern.test(value))) return false;
  const plain = snake(name);
  return secretName.test(plain) || (/(?:^|_)key$/.test(plain) && longKey.test(value));
}

/**
 * Why a text should not be kept in a repo in clear: the kind of key, or the name of what has a secret value and its
 * line. The value itself is never told. Null where nothing looks like a secret: not a proof that there is none.
 */
export function findSecret(path: string, text: string): string | null {
  if (keyBlock.test(text)) return 'it holds a private key';
  if (ofCredentials.test(path) && /\S/.test(text)) return 'files of this name are for credentials';
  const [, word] = namedSecret.test(path) ? (oneWord.exec(text) ?? []) : [];
  if (word !== undefined && !hashed.test(word) && !notSecret.some((pattern) => pattern.test(word)))
    return 'it holds one word, and its name says that it is a secret';
  if (loginWithPassword.test(text)) return 'it has a login with its password';
  const isUnit = /\/(?:containers\/systemd|systemd\/system)\//.test(path) && isUnitFile(path);
  const inUnit = isUnit ? secretInUnit(path, text) : null;
  if (inUnit !== null) return inUnit;
  if (secretOfKubernetes.test(text) && /^(?:data|stringData):/m.test(text))
    return 'it is a Secret of Kubernetes';
  for (const { 1: name, 2: value, index } of isUnit ? [] : text.matchAll(nameAndValue)) {
    const line = text.slice(0, index).split('\n').length;
    if (isSecret(name!, value!)) return `line ${line} gives ${name} a value in clear`;
  }
  for (const [index, line] of text.split('\n').entries()) {
    if (line.length > 10_000 || /^\s*(?:[#;]|\/\/)/.test(line)) continue;
    const at = `line ${index + 1}`;
    const [, name, value] = isUnit ? [] : (assignment.exec(line) ?? []);
    if (name !== undefined && value !== undefined && isSecret(name, value.replace(/\s+#.*$/, ''))) {
      return `${at} gives ${name} a value in clear`;
    }
    for (const [, member, inside] of isUnit ? [] : line.matchAll(members)) {
      if (isSecret(member!, inside!)) return `${at} gives ${member} a value in clear`;
    }
    const [, word, given] = isUnit ? [] : (twoWords.exec(line) ?? []);
    if (word !== undefined && given !== undefined && isSecret('password', given)) {
      return `${at} gives ${word} a value in clear`;
    }
    const [, tag, inside] = /<([A-Za-z][\w.-]*)>([^<>]+)<\/\1>/.exec(line) ?? [];
    if (tag !== undefined && inside !== undefined && isSecret(tag, inside)) {
      return `${at} gives ${tag} a value in clear`;
    }
    if (credentialsInUrl.test(line)) return `${at} has a password in an address`;
  }
  return null;
}

/** Variables, labels and arguments stand several in one value of a unit. */
function secretInUnit(path: string, text: string): string | null {
  for (const node of parseUnit(text, dialectOf(path)).nodes) {
    if (node.kind !== 'assignment' || node.key === 'Secret') continue;
    const words = splitWords(node.value, 'arguments').words.map((word) => word.text);
    for (const [index, word] of words.entries()) {
      const equals = word.indexOf('=');
      const name = (equals < 0 ? word : word.slice(0, equals)).replace(/^--?/, '');
      const value =
        equals >= 0 ? word.slice(equals + 1) : word.startsWith('-') ? words[index + 1] : undefined;
      if (value !== undefined && !value.startsWith('-') && isSecret(name, value)) {
        return `line ${node.line} gives ${name} a value in clear`;
      }
    }
  }
  return null;
}
