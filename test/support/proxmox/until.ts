/** Waits until the condition holds; fails with `what` when it does not within half a minute. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const endsAt = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > endsAt) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
