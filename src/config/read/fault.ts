import { didYouMean } from '../../../schema/near.ts';
import type { ConfigCode } from '../codes.ts';
import type { Finding } from '../finding.ts';
import type { Path, YamlFile } from './yaml.ts';

/** Something that is wrong in a file, by the path of the member that says it. An error unless it is a warning. */
export type Fault = {
  readonly path: Path;
  readonly code: ConfigCode;
  readonly text: string;
  readonly suggestion?: string;
  readonly severity?: Finding['severity'];
};

export type TellFault = (
  path: Path,
  code: ConfigCode,
  text: string,
  more?: Pick<Fault, 'suggestion' | 'severity'>,
) => void;

/** `suggestion` where a near name is known. */
export const meant = (name: string, candidates: Iterable<string>): { suggestion?: string } => {
  const near = didYouMean(name, candidates).trim();
  return near === '' ? {} : { suggestion: near };
};

/** The finding at the place of a fault in its file. */
export const findingOf = (
  { path, code, text, suggestion, severity = 'error' }: Fault,
  yaml: YamlFile,
): Finding => ({
  ...yaml.place(path),
  severity,
  code,
  message: text,
  ...(suggestion !== undefined && { suggestion }),
});
