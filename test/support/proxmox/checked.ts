import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { SimulatorOptions } from './options.ts';
import { loadSchemaCheck } from './schema-check.ts';
import { type ProxmoxSimulator, startProxmoxSimulator } from './simulator.ts';

/**
 * A simulator for one test: every request and answer is held against the official schema where that is present,
 * and the test fails if anything differed. It is closed with the test.
 */
export async function startCheckedSimulator(
  t: TestContext,
  options: SimulatorOptions,
): Promise<ProxmoxSimulator> {
  const schema = loadSchemaCheck();
  const simulator = await startProxmoxSimulator({ ...options, ...(schema && { schema }) });
  t.after(async () => {
    await simulator.close();
    assert.deepEqual(simulator.violations, [], 'the traffic is as the official schema says');
  });
  return simulator;
}
