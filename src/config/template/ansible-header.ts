import { refuseTemplate, type Spot } from './fault.ts';

const header = /^#jinja2:([^\n]*)\n/;

/** How a template is to be read, and how long the line is that says so, with its end. */
export type Header = { readonly length: number; readonly trimBlocks: boolean };

/**
 * Reads a first line such as `#jinja2: trim_blocks: True`, which Ansible has for what it sets otherwise than Jinja2. Of
 * its settings two are known here; `lstrip_blocks` is off in Ansible, too.
 */
export function readHeader(source: string, at: Spot): Header {
  const [line, settings] = header.exec(source) ?? [];
  if (line === undefined || settings === undefined) return { length: 0, trimBlocks: false };
  let trimBlocks = false;
  for (const setting of settings.split(',')) {
    const [, name, value] = /^\s*(\w+)\s*:\s*(True|False)\s*$/.exec(setting) ?? [];
    if (name === 'trim_blocks') trimBlocks = value === 'True';
    else if (name !== 'lstrip_blocks' || value !== 'False') {
      const message = `${setting.trim() || 'an empty setting'} is not known in a line #jinja2:`;
      refuseTemplate(at, 'template_syntax', message, 'trim_blocks: True is.');
    }
  }
  return { length: line.length, trimBlocks };
}
