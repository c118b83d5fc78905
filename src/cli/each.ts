/** Works on items, so many at once, until all are done or one gives a failure; that one is returned. */
export async function eachAtOnce<T, F>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<F | null>,
): Promise<F | null> {
  const todo = [...items];
  let failure: F | null = null;
  const worker = async (): Promise<void> => {
    while (failure === null) {
      const [item] = todo.splice(0, 1);
      if (item === undefined) return;
      failure = (await work(item)) ?? failure;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return failure;
}
