import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createPctExec } from '../../relay/machine/pct-exec.ts';
import { createRemoteMachine, type Exec } from '../../relay/machine/remote-machine.ts';
import { runProgram } from '../../relay/machine/run-program.ts';
import { agentHome } from '../support/lab/agent-home.ts';
import { activateOver } from '../support/lab/engine-over.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { startTargetGuest, type TargetGuest } from '../support/lab/target-guest.ts';
import { releaseOf } from '../support/lab/target-home.ts';
import { missing } from '../support/missing.ts';

const vmid = 105;
const word = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else
  describe('activation of a container by a stand-in for pct', () => {
    const folder = mkdtempSync(join(tmpdir(), 'writ-pct-'));
    let target: TargetGuest;
    let exec: Exec;
    let programs = 0;
    before(async () => {
      target = await startTargetGuest('websvcs');
      // Proxmox VE and its containers cannot be had here: what it starts runs in a guest of the lab.
      const pct = join(folder, 'pct');
      const entry = target.guest.entry().map(word).join(' ');
      writeFileSync(
        pct,
        `#!/bin/sh\n[ "$1 $2 $3" = "exec ${vmid} --" ] || exit 255\nshift 3; exec ${entry} "$@"\n`,
      );
      chmodSync(pct, 0o755);
      const real = createPctExec(runProgram, vmid, pct);
      exec = {
        ...real,
        run(argv, options) {
          programs += 1;
          return real.run(argv, options);
        },
      };
    });
    after(async () => {
      await target?.close();
      rmSync(folder, { recursive: true });
    });

    test('from nothing to healthy, the same again by one program, and a change of one app', async (t) => {
      const machine = createRemoteMachine('websvcs', exec);
      const deploy = async (changes: Parameters<typeof releaseOf>[1] = {}) => {
        const [before, begun] = [programs, performance.now()];
        const done = await activateOver(machine, await releaseOf(agentHome, changes));
        assert.equal(done.state, 'succeeded', JSON.stringify(done));
        const ms = Math.round(performance.now() - begun);
        t.diagnostic(`${programs - before} programs, ${ms} ms, ${JSON.stringify(done.result)}`);
        return { ...done.result, programs: programs - before };
      };
      const runs = () => target.guest.must(['systemctl', 'show', '-p', 'InvocationID', 'web', 'still']);
      assert.equal((await deploy()).started, 3);
      const ran = await runs();
      assert.deepEqual(await deploy(), {
        already: true,
        files: 0,
        started: 0,
        restarted: 0,
        reloaded: 0,
        stopped: 0,
        programs: 1,
      });
      assert.equal((await deploy({ 'apps/plain/plain.conf': 'two\n' })).restarted, 1);
      assert.equal(await runs(), ran);
      assert.equal(await target.guest.must(['cat', '/etc/opt/plain.conf']), 'two\n');
    });
  });
