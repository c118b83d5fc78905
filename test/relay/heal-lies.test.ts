import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { authorityKeyFile } from '../../relay/agent/authority.ts';
import { publicKeyOf } from '../../relay/deploy/leaves/leaf-issuer.ts';
import { blobPath, stateFile } from '../../relay/deploy/target-state.ts';
import type { TrustDocument } from '../../schema/trust/document.ts';
import { permit } from '../../schema/x509/names.ts';
import { fromBase64 } from '../../schema/x509/pem.ts';
import { certOf } from '../support/leaf-scene.ts';
import { playReleases, type ReleaseScene, releasePaths } from '../support/release-play.ts';
import { makeIntermediate, makeRoot } from '../support/test-authority.ts';
import { makePart, type TestPart } from '../support/test-part.ts';

const page = '/etc/opt/web/index.html';
const cert = '/etc/opt/web/tls/cert.pem';

/** What a web app with a certificate for these names is, under an intermediate for this relay. */
async function partMaker({ relay, time }: ReleaseScene) {
  const own = publicKeyOf(readFileSync(join(relay.stateDir, authorityKeyFile), 'utf8'));
  const spki = fromBase64(own);
  assert.ok(spki.ok);
  const now = time.clock.now();
  const root = await makeRoot(now);
  const permitted = permit(['web', 'other-guest']);
  const issuer = await makeIntermediate(root, permitted, { now, days: 700, spki: spki.value });
  return (text: string, names: readonly string[]): Promise<TestPart> =>
    makePart({
      files: {
        '/etc/containers/systemd/web.container': '[Container]\nImage=localhost/busy:1\n',
        [page]: text,
      },
      units: [{ service: 'web.service', files: ['web.container'], kind: 'run' }],
      app: { certs: names.length === 0 ? [] : [certOf({ names: [...names] })] },
      part: { authority: { root: root.pem, issuer: issuer.pem } },
    });
}

/** A guest says that another part is in force, and has its bytes. */
function claim({ machine }: ReleaseScene, part: TestPart): void {
  for (const [digest, bytes] of part.blobs) machine.put(blobPath(digest), new TextDecoder().decode(bytes));
  machine.put(stateFile, machine.text(stateFile)!.replace(/"current":"[^"]+"/, `"current":"${part.digest}"`));
}

const may = [{ action: 'release.heal', on: ['websvcs'], limit: '9/1d', paths: releasePaths }];
const standing = (document: TrustDocument): TrustDocument => ({
  ...document,
  identities: { ...document.identities, standing: { kind: 'standing', may } },
});

for (const [what, text] of [
  ['a part that nobody ordered', 'never ordered\n'],
  ['the part before', 'one\n'],
] as const) {
  test(`threat 1: a guest that says that ${what} is in force has no certificate made for another’s name`, () =>
    playReleases(
      async (scene) => {
        const { home, relay, machine, deploy, outcome } = scene;
        await home.amend(standing);
        await relay.until('trust_in_force');
        const part = await partMaker(scene);
        assert.equal(await outcome(await deploy(await part('one\n', ['web', 'other-guest']))), 'succeeded');
        assert.equal(await outcome(await deploy(await part('two\n', ['web']))), 'succeeded');
        claim(scene, await part(text, ['web', 'other-guest']));
        machine.put(page, 'by hand\n');
        const told = await relay.until('not_done_by_itself');
        assert.equal(told.fields.code, 'certificate_not_ordered');
        assert.equal(new X509Certificate(machine.text(cert)!).subjectAltName, 'DNS:web');
      },
      { targetIntervalMs: 20_000 },
    ));
}

test('what has certificates is put back where the guest tells the truth', () =>
  playReleases(
    async (scene) => {
      const { home, relay, machine, deploy, outcome } = scene;
      await home.amend(standing);
      await relay.until('trust_in_force');
      const part = await partMaker(scene);
      assert.equal(await outcome(await deploy(await part('one\n', ['web']))), 'succeeded');
      machine.put(page, 'by hand\n');
      await relay.until('step_ended', ({ fields }) => fields.action === 'release.heal');
      assert.equal(machine.text(page), 'one\n');
    },
    { targetIntervalMs: 20_000 },
  ));
