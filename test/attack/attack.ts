import type { Thief } from './thief/thief.ts';

/** One attack: a file of its own in `attacks/`, with this value as its export `attack`. See docs/attack.md. */
export type Attack = {
  /** As its file is named. */
  readonly name: string;
  /** The number of the threat that it belongs to, in SECURITY.md. */
  readonly threat: number;
  /** One sentence: what the thief tries, and hopes for. */
  readonly about: string;
  /**
   * Absent: no relay may do anything outside the grants. `refuse`: nothing at all may be done, because its orders hold for
   * nobody although what they name is granted. The other two are controls, which show that this program sees what happens:
   * a granted order must be executed, and a home that is broken on purpose must be won.
   */
  readonly must?: 'refuse' | 'execute' | 'win';
  /**
   * Tries it. Whether it was won is judged by what happened at home. Where the grants alone do not tell, as of one step
   * that was done twice, a sentence that is returned says how it was won.
   */
  run(thief: Thief): Promise<void> | Promise<string | undefined>;
};

/** Whether it is there to show that executions and wins are seen. */
export const isControl = ({ must }: { readonly must?: Attack['must'] | null }): boolean =>
  must === 'execute' || must === 'win';
