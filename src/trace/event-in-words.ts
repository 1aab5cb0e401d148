/** What one event says, in a line: for stories, where the reader knows the subject and wants to know who did what. */
import { addressInFrame } from '../arch/address.ts';
import { Vector } from '../arch/page-fault.ts';
import { ENTRY_NAME } from '../arch/paging-entry.ts';
import type { CachedTranslation } from '../event/cached-translation.ts';
import type { MachineEvent } from '../event/event.ts';
import { rangeInWords } from '../event/range-in-words.ts';

const ACTION_IN_WORDS = { full: 'flushes all', partial: 'flushes the range', skip: 'does not flush' } as const;

/** Events that a story does not tell are called by their kind. */
export function eventInWords(event: MachineEvent): string {
  switch (event.kind) {
    case 'fill':
      return `fills ${cachedInWords(event.cached)}`;
    case 'removal':
      return `drops ${cachedInWords(event.cached)} (${event.cause})`;
    case 'use':
      return `uses ${cachedInWords(event.cached)}: ${event.access.kind} of ${hex(event.address)}`;
    case 'paging-write': {
      const change = `${hex(event.before)} becomes ${hex(event.after)}`;
      return event.by === 'walk'
        ? `a walk sets A or D at ${hex(event.address)}: ${change}`
        : `entry at ${hex(event.address)}: ${change}`;
    }
    case 'store-buffered':
      return `stores ${hex(event.value)} to ${hex(event.address)}, which waits in the store buffer`;
    case 'store-drained':
      return `the store to ${hex(event.address)} leaves the store buffer`;
    case 'invalidation':
      return `${event.by}${event.address === null ? '' : ` of ${hex(event.address)}`}${pcidInWords(event.pcid)} removes ${event.removed}`;
    case 'invlpgb':
      return `broadcasts INVLPGB${event.address === null ? '' : ` of ${event.pages ?? 'all'} from ${hex(event.address)}`}${pcidInWords(event.pcid)}`;
    case 'tlbsync':
      return 'TLBSYNC: its broadcasts have arrived everywhere';
    case 'exception':
      return event.exception.vector === Vector.PF
        ? `page fault at ${hex(event.exception.address)}, error code ${hex(event.exception.errorCode)}`
        : `exception ${event.exception.vector}`;
    case 'ipi-send':
      return `sends interrupt ${hex(event.vector)} to processor ${event.target}`;
    case 'interrupt-begin':
      return `takes interrupt ${hex(event.vector)}`;
    case 'flush-begin':
      return `flush ${event.flush} begins (${event.reason}): ${event.ranges.map(rangeInWords).join(', ')}`;
    case 'flush-return':
      return `flush ${event.flush} returns`;
    case 'flush-decision':
      return `${event.flush === null ? '' : `flush ${event.flush}: `}${ACTION_IN_WORDS[event.action]}: ${event.why}`;
    case 'batch-add':
      return `notes mm ${event.mm} for a later flush`;
    case 'promise':
      return `is done with ${rangeInWords(event.range)}: ${event.why}`;
    case 'generation':
      return `mm ${event.mm} is at generation ${event.generation}`;
    case 'slot':
      return `records PCID ${event.pcid} as mm ${event.mm} at generation ${event.generation}`;
    case 'switch':
      return `switches from mm ${event.from} to mm ${event.to}, ${event.flushed ? 'flushing' : 'without a flush'}`;
    case 'lazy':
      return event.lazy ? 'goes lazy' : 'is lazy no more';
    case 'frame-free':
      return `frees frame ${hex(event.frame)}`;
    case 'assertion':
      return `assertion ${event.id} does not hold: ${event.detail}`;
    default:
      return event.kind;
  }
}

function cachedInWords(cached: CachedTranslation): string {
  const page = hex(BigInt(cached.page) << 12n);
  return cached.kind === 'tlb'
    ? `TLB entry ${cached.serial}: ${page} -> frame ${hex(cached.frame)}${pcidInWords(cached.pcid)}`
    : `${ENTRY_NAME[cached.level]}-cache entry ${cached.serial}: ${page} -> table at ${hex(addressInFrame(cached.table, 0))}${pcidInWords(cached.pcid)}`;
}

function pcidInWords(pcid: number | null): string {
  return pcid === null ? '' : ` in PCID ${pcid}`;
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
