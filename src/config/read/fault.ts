import type { Homelab } from '../../../schema/manifest/homelab.ts';
import { didYouMean } from '../../../schema/near.ts';
import { unlessNamed } from '../broken.ts';
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
  /** As a finding has it. */
  readonly unless?: readonly string[];
};

export type TellFault = (
  path: Path,
  code: ConfigCode,
  text: string,
  more?: Pick<Fault, 'suggestion' | 'severity' | 'unless'>,
) => void;

/**
 * Of a name that stands for nothing: which was probably meant, and that it may be one that could not be read.
 *
 * @param sections those of homelab.yaml in which it would be
 */
export const meant = (
  name: string,
  candidates: Iterable<string>,
  sections: readonly (keyof Homelab)[],
): Pick<Fault, 'suggestion' | 'unless'> => {
  const near = didYouMean(name, candidates).trim();
  return {
    ...(near !== '' && { suggestion: near }),
    unless: unlessNamed(name, ...sections),
  };
};

/** The finding at the place of a fault in its file. */
export const findingOf = (
  { path, code, text, suggestion, severity = 'error', unless }: Fault,
  yaml: YamlFile,
): Finding => ({
  ...yaml.place(path),
  severity,
  code,
  message: text,
  ...(suggestion !== undefined && { suggestion }),
  ...(unless !== undefined && { unless }),
});
