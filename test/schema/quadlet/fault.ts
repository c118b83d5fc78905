/** Unit files of one machine with what is wrong with them: `file:line:column`, `!` error or `?` warning, code, advice. */
export type Fault = {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly expected: readonly string[];
};

const image = 'Image=docker.io/library/busybox:1.37';
/** A container with these lines behind its image: the first is line 3. */
export const box = (...lines: string[]): string =>
  `[Container]\n${image}\n${lines.map((line) => `${line}\n`).join('')}`;
