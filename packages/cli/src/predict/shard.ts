/** One of several equal parts of the scans, for one of several processes. */
export interface Shard {
  /** Which part, from 1. */
  readonly index: number;
  /** How many parts there are. */
  readonly count: number;
}

/** What belongs to a shard: every `count`-th item, so that large scans that stand together are shared out. */
export const itemsOf = <Item>(items: readonly Item[], { index, count }: Shard): Item[] =>
  items.filter((_, i) => i % count === index - 1);
