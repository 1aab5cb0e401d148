/**
 * Translations per second of processor time: hits in the filter, hits in the modelled TLB, and walks, for each policy; with the ratios that
 * say what the filter, the paging-structure caches and an observer are worth. `npx tsx tools/bench/translate.ts [SECONDS]`.
 */
import { addressInFrame, frameNumber, pageNumber } from '../../src/arch/address.ts';
import type { PageNumber } from '../../src/arch/address.ts';
import { Cr0, Cr4, Efer } from '../../src/arch/control-registers.ts';
import { makeEntry, PagingEntry } from '../../src/arch/paging-entry.ts';
import { assert } from '../../src/base/assert.ts';
import { EventStream } from '../../src/event/stream.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import { accessCode } from '../../src/mmu/access-rights.ts';
import { SKYLAKE_CLIENT } from '../../src/mmu/geometry.ts';
import { Mmu } from '../../src/mmu/mmu.ts';
import { FULL_PART } from '../../src/mmu/part.ts';
import { emulatorPolicy } from '../../src/mmu/policy/emulator.ts';
import type { TlbPolicy } from '../../src/mmu/policy/policy.ts';
import { profilePolicy } from '../../src/mmu/policy/profile.ts';
import { worstPolicy } from '../../src/mmu/policy/worst.ts';
import { Serials } from '../../src/mmu/serials.ts';

const seconds = Number(process.argv[2] ?? '1');
const USER_PAGE = PagingEntry.P | PagingEntry.RW | PagingEntry.US;
const READ = accessCode({ kind: 'read', user: true });

/** 4-KByte pages mapped, over eight page tables. */
const PAGES = 4096;
const FRAMES = 16 + PAGES;

interface BenchOptions {
  readonly policy: TlbPolicy;
  readonly filter?: boolean;
  readonly listening?: boolean;
}

function boot({ policy, filter = true, listening = false }: BenchOptions): Mmu {
  const stream = new EventStream();
  if (listening) stream.observe(() => {});
  const memory = new PhysicalMemory(FRAMES, stream);
  const poke = (frame: number, index: number, entry: bigint): void =>
    memory.write64(addressInFrame(frameNumber(frame), index * 8), entry);
  poke(1, 0, makeEntry(frameNumber(2), USER_PAGE));
  poke(2, 0, makeEntry(frameNumber(3), USER_PAGE));
  for (let page = 0; page < PAGES; page++) {
    const table = 4 + Math.floor(page / 512);
    poke(3, Math.floor(page / 512), makeEntry(frameNumber(table), USER_PAGE));
    poke(table, page % 512, makeEntry(frameNumber(16 + page), USER_PAGE));
  }
  const mmu = new Mmu({ processor: 0, memory, part: FULL_PART, policy, stream, serials: new Serials(), filter });
  mmu.writeEfer(Efer.LME | Efer.NXE);
  mmu.writeCr4(Cr4.PAE);
  mmu.writeCr3(0x1000n);
  mmu.writeCr0(Cr0.PE | Cr0.PG | Cr0.WP);
  return mmu;
}

/** Calls of which `round` makes so many, per second of processor time: other load on the host does not count. */
function rate(calls: number, round: () => void): number {
  for (let warmUp = 0; warmUp < 20; warmUp++) round();
  const start = process.cpuUsage();
  let done = 0;
  let spent = 0;
  do {
    round();
    done += calls;
    const { user, system } = process.cpuUsage(start);
    spent = (user + system) / 1e6;
  } while (spent < seconds);
  return done / spent;
}

/** Accesses that go through `pages` pages over and over, in strides that visit each. */
function hits(options: BenchOptions, pages: number): number {
  const mmu = boot(options);
  const order: PageNumber[] = Array.from({ length: 65_536 }, (_, turn) => pageNumber((turn * 7) % pages));
  return rate(order.length, () => {
    for (const page of order) if (mmu.access(page, READ) < 0) assert(false, 'every page is mapped');
  });
}

/** Each access walks, because everything was invalidated before. `flush`: the whole context, or each page alone. */
function walks(options: BenchOptions, flush: 'context' | 'page'): number {
  const mmu = boot(options);
  return rate(PAGES, () => {
    for (let page = 0; page < PAGES; page++) {
      if (flush === 'page') mmu.invlpg(BigInt(page * 4096) as never);
      mmu.access(pageNumber(page), READ);
    }
    if (flush === 'context') mmu.writeCr3(0x1000n);
  });
}

function report(name: string, perSecond: number, baseline?: number): number {
  const ratio = baseline === undefined ? '' : `   ${(perSecond / baseline).toFixed(2)}x`;
  const line = `${name.padEnd(58)} ${(perSecond / 1e6).toFixed(2).padStart(8)} M/s ${(1e9 / perSecond).toFixed(1).padStart(8)} ns`;
  console.log(line + ratio);
  return perSecond;
}

const worst = worstPolicy();
const skylake = profilePolicy(SKYLAKE_CLIENT);

console.log(`Node ${process.version}, ${seconds} s each; the ratio is to the first line of its group`);
const hit = report('hit, worst, 64 pages', hits({ policy: worst }, 64));
report('hit, worst, 4096 pages (the filter holds 1024)', hits({ policy: worst }, 4096), hit);
report('hit, worst, 64 pages, observed', hits({ policy: worst, listening: true }, 64), hit);
report('hit, worst, 64 pages, without the filter', hits({ policy: worst, filter: false }, 64), hit);
report('hit, profile skylake, 32 pages', hits({ policy: skylake }, 32), hit);
report('hit in STLB, profile skylake, 1024 pages', hits({ policy: skylake }, 1024), hit);
const walk = report('walk after MOV to CR3, worst', walks({ policy: worst }, 'context'));
report('walk after MOV to CR3, emulator (four reads each)', walks({ policy: emulatorPolicy() }, 'context'), walk);
report('walk after MOV to CR3, profile skylake', walks({ policy: skylake }, 'context'), walk);
report('walk after MOV to CR3, worst, observed', walks({ policy: worst, listening: true }, 'context'), walk);
report('INVLPG and walk, worst', walks({ policy: worst }, 'page'), walk);
