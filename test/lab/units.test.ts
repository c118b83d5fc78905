import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labRoot, whyNoLab } from '../support/lab/root.ts';
import { missing } from '../support/missing.ts';
import { findGenerator } from '../support/quadlet-generator.ts';

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else {
  const before = findGenerator('5.4');
  await labRoot((line) => process.stderr.write(`${line}\n`));
  test("the lab has Podman 5.4's generator", () => {
    assert.match(findGenerator('5.4')?.version ?? 'none', /^5\.4\./);
  });
  // Where the root was there before, the ordinary tests have run them already.
  if (before === null) {
    await import('../schema/quadlet/generator.test.ts');
    await import('../schema/quadlet/judge.test.ts');
    await import('../schema/quadlet/systemd.test.ts');
  }
}
