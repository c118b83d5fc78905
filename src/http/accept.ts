/** The weight of a media type in an Accept header (RFC 9110 section 12.5.1): the most specific range counts. */
function weightOf(accept: string, type: string): number {
  const family = `${type.split('/')[0]}/*`;
  let best = { specificity: 0, weight: 0 };
  for (const part of accept.split(',')) {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const specificity = range === type ? 3 : range === family ? 2 : range === '*/*' ? 1 : 0;
    if (specificity <= best.specificity) continue;
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    const weight = q === undefined ? 1 : Number(q.slice(2));
    best = { specificity, weight: Number.isFinite(weight) ? weight : 0 };
  }
  return best.weight;
}

/** Whether a caller would rather have a sentence than JSON; on a tie it gets JSON. */
export function prefersText(accept: string | null): boolean {
  if (accept === null || accept.length > 1000) return false;
  const text = weightOf(accept, 'text/plain');
  return (
    text > 0 &&
    text > Math.max(weightOf(accept, 'application/json'), weightOf(accept, 'application/problem+json'))
  );
}
