/** `--shard i/n`: which of how many. They count from 0, as the engines that number them do. */
import { InputError } from '../base/errors.ts';

const MOST = 100_000;

/** Throws InputError for anything but i/n with i below n. */
export function parseShard(text: string): { readonly index: number; readonly count: number } {
  const [, index = '', count = ''] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (index !== '' && shard.count <= MOST && shard.index < shard.count) return shard;
  throw new InputError(`'${text}' is no shard; the shards of four are 0/4, 1/4, 2/4 and 3/4`, { file: '--shard' });
}
