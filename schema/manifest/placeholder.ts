/**
 * `~writ:secret:NAME~` stands for a secret in a configuration file until the target, where the text is filled in.
 * It looks like none of the forms that programs expand themselves, and a name holds no `~`.
 */
export const secretPlaceholder = (name: string): string => `~writ:secret:${name}~`;

/** The names of the secrets that a text has placeholders of, sorted, each once. */
export function placeholdersIn(text: string): string[] {
  if (!text.includes('~writ:secret:')) return [];
  return [
    ...new Set(
      [...text.matchAll(/~writ:secret:([A-Za-z0-9][A-Za-z0-9_.-]{0,62})~/g)].map(([, name]) => name!),
    ),
  ].sort();
}
