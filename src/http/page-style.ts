/** The hash of `pageStyle` in src/http/reference.ts, the only style that browsers take. A test compares them. */
export const pageStyleHash = 'sha256-koXKChyzxDr/iJUijdaUqgIyEfBEGO69wZao6n1K7Vo=';
