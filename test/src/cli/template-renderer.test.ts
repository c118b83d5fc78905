import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTemplateRenderer } from '../../../src/cli/template-renderer.ts';
import type { Home } from '../../../src/config/home.ts';
import type { TemplateJob } from '../../../src/config/template/job.ts';

const home = { site: { domain: 'example.net' } } as unknown as Home;
const jobsOf = (...sources: readonly string[]): TemplateJob[] =>
  sources.map((source, index) => ({
    id: `${index}`,
    file: 'apps/x/x.j2',
    source,
    locals: { list: ['a'] },
    includes: {},
    folder: 'apps/x/',
  }));

const forEver = '{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}';
// Each list is kept by the one that is made of it.
const hungry =
  '{% set ns = namespace(l=[]) %}{% for a in range(100000) %}{% set ns.l = [ns.l, range(50000)] %}{% endfor %}';

test('a template that does not end is stopped after its time, and the others are rendered', async (t) => {
  const renderer = createTemplateRenderer(300);
  t.after(() => renderer.close());
  const outcomes = await renderer.render(home, jobsOf('a{{ home.site.domain }}', forEver, 'b', forEver, 'c'));
  const stopped = {
    ok: false,
    line: 1,
    column: 1,
    code: 'template_timeout',
    message: 'it was stopped after 0.3 s',
  };
  assert.deepEqual(outcomes, [
    { id: '0', ok: true, text: 'aexample.net', secrets: [] },
    { id: '1', ...stopped },
    { id: '2', ok: true, text: 'b', secrets: [] },
    { id: '3', ...stopped },
    { id: '4', ok: true, text: 'c', secrets: [] },
  ]);
});

test('a template that takes too much memory is stopped', async (t) => {
  const renderer = createTemplateRenderer(60_000);
  t.after(() => renderer.close());
  const [stopped, after] = await renderer.render(home, jobsOf(hungry, 'b'));
  assert.equal(stopped!.ok, false);
  assert.equal(stopped?.ok === false ? stopped.code : '', 'template_memory');
  assert.deepEqual(after, { id: '1', ok: true, text: 'b', secrets: [] });
});

test('the thread serves again, and is gone after close', async () => {
  const renderer = createTemplateRenderer();
  assert.deepEqual(await renderer.render(home, []), []);
  for (const text of ['a', 'b']) {
    assert.deepEqual(await renderer.render(home, jobsOf(text)), [{ id: '0', ok: true, text, secrets: [] }]);
  }
  await renderer.close();
  assert.equal((await renderer.render(home, jobsOf('c')))[0]!.ok, true);
  await renderer.close();
});

test('a template in the thread sees nothing of this process', async (t) => {
  const renderer = createTemplateRenderer();
  t.after(() => renderer.close());
  const sources = ['{{ process.env.HOME }}', '{{ list.constructor.constructor("return process")() }}'];
  const outcomes = await renderer.render(home, jobsOf(...sources));
  assert.deepEqual(
    outcomes.map((one) => (one.ok ? one.text : one.code)),
    ['template_undefined', 'template_reach'],
  );
});

test('what was rendered before a stop and not told yet is not lost', async (t) => {
  const renderer = createTemplateRenderer(300);
  t.after(() => renderer.close());
  const sources = Array.from({ length: 50 }, (_, index) =>
    index === 3 || index === 40 ? forEver : `${index}`,
  );
  const outcomes = await renderer.render(home, jobsOf(...sources));
  assert.deepEqual(
    outcomes.map((one) => (one.ok ? one.text : one.code)),
    sources.map((source) => (source === forEver ? 'template_timeout' : source)),
  );
});

test('a thread that has done its work is not late when this one is', async (t) => {
  const renderer = createTemplateRenderer(100);
  t.after(() => renderer.close());
  await renderer.render(home, jobsOf('warm'));
  const rendering = renderer.render(home, jobsOf('a', 'b'));
  const until = performance.now() + 500;
  while (performance.now() < until);
  assert.deepEqual(
    (await rendering).map(({ ok }) => ok),
    [true, true],
  );
});
