/**
 * The access-rights matrix: every legal combination of named bits in the last two paging-structure entries, of the kind of
 * access and of the control state, each tried on a real MMU and held to the oracle - outcome, error code, CR2, frame, and
 * A and D in memory afterwards - and then tried again, now through whatever got cached.
 *
 * The bits are those that kvm-unit-tests' access test combines - pte.{p,rw,user,a,d,nx,51,36}, pde.{p,rw,user,a,d,pse,nx,
 * 51,36,13}, pkru.{ad,wd}, pkey, access.{write,user,fetch,twice}, cr0.wp, cr4.{smep,pke}, efer.nx - and SMAP, AC, implicit
 * supervisor accesses and G besides. A combination is left out only where a bit of it cannot matter:
 *   - in an entry that is not present no other bit means anything: all clear and all set stand for the rest;
 *   - one reserved bit at a time, since one decides;
 *   - behind a PDE that is not present, reserved or maps a page, one PTE stands for all;
 *   - a write is no fetch, and a fetch is never implicit;
 *   - AC matters only with SMAP, and PKRU only with PKE: without them one setting that would forbid everything is tried.
 */
import type { FrameNumber, LinearAddress, PagingLevel, PhysicalAddress } from '../../src/arch/address.ts';
import { addressInFrame, frameNumber, linearAddress } from '../../src/arch/address.ts';
import { Cr0, Cr4, Efer } from '../../src/arch/control-registers.ts';
import type { Access } from '../../src/arch/page-fault.ts';
import { makeEntry, PagingEntry, protectionKeyBits } from '../../src/arch/paging-entry.ts';
import { EventStream } from '../../src/event/stream.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import { Mmu } from '../../src/mmu/mmu.ts';
import { FULL_PART } from '../../src/mmu/part.ts';
import { worstPolicy } from '../../src/mmu/policy/worst.ts';
import { Serials } from '../../src/mmu/serials.ts';
import { expectAccess } from './access-oracle.ts';
import type { Expectation, OracleControl, OracleEntry } from './access-oracle.ts';

const { P, RW, US, A, D, PS, G, XD } = PagingEntry;

const PART = { ...FULL_PART, maxPhysicalAddressBits: 36 };
const BIT_36 = 1n << 36n;
const BIT_51 = 1n << 51n;
const BIT_13 = 1n << 13n;

const ROOT = frameNumber(1);
const UPPER_TABLE = frameNumber(6);
const LOWER_TABLE = frameNumber(7);
/** With 1-GByte pages, the page directory between the two. */
const BETWEEN_TABLE = frameNumber(8);
const FRAME_4K = frameNumber(9);
/** Frames of a large page, by the level of its entry. */
const LARGE_FRAME = { 2: frameNumber(512), 3: frameNumber(262_144) } as const;
const FRAMES = 16;
/** Index 3 in every structure. */
const INDEX = 3;
const KEY = 5;

export interface Geometry {
  readonly levels: 4 | 5;
  /** Level of the entry that maps large pages: 2 for the page directory, 3 for 1-GByte pages. */
  readonly largeLevel: 2 | 3;
}

/** The union of each subset of the bits, the empty one first. */
function subsets(bits: readonly bigint[]): bigint[] {
  const unions = [0n];
  for (const bit of bits) unions.push(...unions.map((union) => union | bit));
  return unions;
}

const NOT_PRESENT = [0n, ~P & 0xffff_ffff_ffff_ffffn] as const;

const LEAF_4K = subsets([RW, US, A, D, XD]).flatMap((flags) =>
  [0n, BIT_36, BIT_51].map((reserved) => P | flags | reserved | makeEntry(FRAME_4K, G)),
);
/** G and D are ignored here: together they stand for the ignored bits. */
const TABLE = subsets([RW, US, A, XD, D | G]).flatMap((flags) => [0n, BIT_36, BIT_51].map((bad) => P | flags | bad));
const LEAF_LARGE = subsets([RW, US, A, D, XD]).flatMap((flags) =>
  [0n, BIT_36, BIT_51, BIT_13].map((reserved) => P | PS | flags | reserved),
);

/** The upper and the lower entry. */
type EntryPair = readonly [upper: bigint, lower: bigint];

function entryPairs({ largeLevel }: Geometry): EntryPair[] {
  const pairs: EntryPair[] = [];
  const anyLower = P | RW | US | makeEntry(FRAME_4K, 0n);
  for (const upper of NOT_PRESENT) pairs.push([upper, anyLower]);
  for (const upper of LEAF_LARGE) pairs.push([upper | makeEntry(LARGE_FRAME[largeLevel], 0n), anyLower]);
  const child = makeEntry(largeLevel === 2 ? LOWER_TABLE : BETWEEN_TABLE, 0n);
  for (const upper of TABLE) {
    if ((upper & (BIT_36 | BIT_51)) !== 0n) pairs.push([upper | child, anyLower]);
    else for (const lower of [...NOT_PRESENT, ...LEAF_4K]) pairs.push([upper | child, lower]);
  }
  return pairs;
}

const ACCESSES: readonly Access[] = [
  { kind: 'read', user: true },
  { kind: 'write', user: true },
  { kind: 'fetch', user: true },
  { kind: 'read', user: false },
  { kind: 'write', user: false },
  { kind: 'fetch', user: false },
  { kind: 'read', user: false, implicit: true },
  { kind: 'write', user: false, implicit: true },
];

interface Setting extends OracleControl {
  readonly protectionKey: number;
}

function settings(supervisorKeys: boolean): Setting[] {
  const booleans = [false, true] as const;
  const result: Setting[] = [];
  const access = [
    { smap: false, ac: true },
    { smap: true, ac: false },
    { smap: true, ac: true },
  ];
  for (const nxe of booleans) {
    for (const wp of booleans) {
      for (const smep of booleans) {
        for (const { smap, ac } of access) {
          const rest = { nxe, wp, smep, smap, ac };
          for (const { enabled, disables, protectionKey } of keySettings()) {
            // The register that must not matter forbids everything.
            const relevant = registerOf(disables);
            result.push(
              supervisorKeys
                ? { ...rest, pks: enabled, pkrs: relevant, pke: false, pkru: 0xffff_ffff, protectionKey }
                : { ...rest, pke: enabled, pkru: relevant, pks: false, pkrs: 0xffff_ffff, protectionKey },
            );
          }
        }
      }
    }
  }
  return result;
}

/** AD and WD of the key in question; all others allow everything, so that a wrong key shows. */
function registerOf(disables: number): number {
  return (disables << (2 * KEY)) >>> 0;
}

function keySettings(): { enabled: boolean; disables: number; protectionKey: number }[] {
  const disabled = [0, KEY].map((protectionKey) => ({ enabled: false, disables: 3, protectionKey }));
  const enabled = [0, KEY].flatMap((protectionKey) =>
    [0, 1, 2, 3].map((disables) => ({ enabled: true, disables, protectionKey })),
  );
  return [...disabled, ...enabled];
}

export interface MatrixOptions extends Geometry {
  /** Protection keys of supervisor-mode addresses (CR4.PKS) instead of user-mode ones (CR4.PKE). */
  readonly supervisorKeys: boolean;
  /** Try the cases whose number is `seed` modulo `stride`: 1, or a prime, which no dimension of the matrix divides by. */
  readonly stride: number;
  readonly seed: number;
}

export interface MatrixResult {
  /** All cases of the matrix, and those tried. */
  readonly cases: number;
  readonly tried: number;
  /** Cases tried that were allowed; the rest were faults. */
  readonly allowed: number;
  /** A description of each of the first failures. */
  readonly failures: readonly string[];
}

const FAILURE_LIMIT = 10;

export function runAccessMatrix(options: MatrixOptions): MatrixResult {
  const bench = new MatrixBench(options);
  const pairs = entryPairs(options);
  const failures: string[] = [];
  let number = 0;
  let tried = 0;
  let allowed = 0;
  for (const setting of settings(options.supervisorKeys)) {
    bench.control(setting);
    for (const pair of pairs) {
      for (const access of ACCESSES) {
        number += 1;
        if (number % options.stride !== options.seed % options.stride) continue;
        tried += 1;
        const { allows, failure } = bench.check(pair, access, setting);
        if (allows) allowed += 1;
        if (failure !== null && failures.length < FAILURE_LIMIT) failures.push(`case ${number}: ${failure}`);
      }
    }
  }
  return { cases: number, tried, allowed, failures };
}

/** One MMU whose last two levels of paging structures are rewritten for each case. */
class MatrixBench {
  readonly #memory = new PhysicalMemory(FRAMES, new EventStream());
  readonly #mmu: Mmu;
  readonly #levels: 4 | 5;
  readonly #largeLevel: 2 | 3;
  readonly #address: LinearAddress;
  readonly #upper: PhysicalAddress = addressInFrame(UPPER_TABLE, INDEX * 8);
  readonly #lower: PhysicalAddress = addressInFrame(LOWER_TABLE, INDEX * 8);
  /** The entries above the two, which allow everything and have been accessed. */
  readonly #above: OracleEntry[] = [];
  /** With 1-GByte pages, the entry between the upper and the lower one. */
  readonly #between: OracleEntry[] = [];

  constructor({ levels, largeLevel }: Geometry) {
    this.#levels = levels;
    this.#largeLevel = largeLevel;
    this.#mmu = new Mmu({
      processor: 0,
      memory: this.#memory,
      part: PART,
      policy: worstPolicy(),
      stream: new EventStream(),
      serials: new Serials(),
    });
    let table: FrameNumber = ROOT;
    let address = 0x123n;
    for (let level: PagingLevel = levels; level > largeLevel; level = (level - 1) as PagingLevel) {
      const child = level === largeLevel + 1 ? UPPER_TABLE : frameNumber(table + 1);
      const entry = makeEntry(child, P | RW | US | A);
      this.#memory.write64(addressInFrame(table, INDEX * 8), entry);
      this.#above.push({ level, entry });
      table = child;
    }
    if (largeLevel === 3) {
      const entry = makeEntry(LOWER_TABLE, P | RW | US | A);
      this.#between.push({ level: 2, entry });
      this.#memory.write64(addressInFrame(BETWEEN_TABLE, INDEX * 8), entry);
    }
    for (let level = 1; level <= levels; level++) address |= BigInt(INDEX) << BigInt(3 + 9 * level);
    this.#address = linearAddress(address);
  }

  control(setting: Setting): void {
    const mmu = this.#mmu;
    mmu.reset();
    mmu.writeEfer(Efer.LME | (setting.nxe ? Efer.NXE : 0n));
    mmu.writeCr4(
      Cr4.PAE |
        (this.#levels === 5 ? Cr4.LA57 : 0n) |
        (setting.smep ? Cr4.SMEP : 0n) |
        (setting.smap ? Cr4.SMAP : 0n) |
        (setting.pke ? Cr4.PKE : 0n) |
        (setting.pks ? Cr4.PKS : 0n),
    );
    mmu.writeCr3(BigInt(addressInFrame(ROOT, 0)));
    mmu.writeCr0(Cr0.PE | Cr0.PG | (setting.wp ? Cr0.WP : 0n));
    mmu.setPrivilege(0, setting.ac);
    mmu.wrpkru(setting.pkru);
    mmu.wrpkrs(setting.pkrs);
  }

  check(pair: EntryPair, access: Access, setting: Setting): { allows: boolean; failure: string | null } {
    const [upper, lower] = this.#prepare(pair, setting.protectionKey);
    const entries: OracleEntry[] = [
      ...this.#above,
      { level: this.#largeLevel, entry: upper },
      ...this.#between,
      { level: 1, entry: lower },
    ];
    const expected = expectAccess(entries, access, setting, PART);
    const first = this.#try(entries, access, expected);
    const failure = first ?? this.#again(entries, access, expected);
    return {
      allows: expected.errorCode === null,
      failure: failure === null ? null : describe(failure, [upper, lower], access, setting),
    };
  }

  #prepare([upper, lower]: EntryPair, protectionKey: number): EntryPair {
    const key = protectionKeyBits(protectionKey);
    const entries: EntryPair = [upper | key, lower | key];
    this.#memory.write64(this.#upper, entries[0]);
    this.#memory.write64(this.#lower, entries[1]);
    this.#mmu.writeCr3(this.#mmu.control.cr3);
    return entries;
  }

  /** What went wrong, or null. */
  #try(entries: readonly OracleEntry[], access: Access, expected: Expectation): string | null {
    const result = this.#mmu.translate(this.#address, access);
    if (result.kind === 'fault') {
      const { exception } = result;
      if (exception.vector !== 14) return `vector ${exception.vector}`;
      if (exception.address !== this.#address) return `CR2 0x${exception.address.toString(16)}`;
      if (exception.errorCode !== expected.errorCode)
        return `error code ${exception.errorCode}, not ${expected.errorCode}`;
    } else {
      if (expected.errorCode !== null) return `allowed, not error code ${expected.errorCode}`;
      const physical = this.#physical(entries);
      if (result.physical !== physical)
        return `physical 0x${result.physical.toString(16)}, not 0x${physical.toString(16)}`;
    }
    return this.#checkMemory(entries, expected);
  }

  #again(entries: readonly OracleEntry[], access: Access, expected: Expectation): string | null {
    const wrong = this.#try(entries, access, expected);
    return wrong === null ? null : `again: ${wrong}`;
  }

  #checkMemory(entries: readonly OracleEntry[], expected: Expectation): string | null {
    const upperIndex = this.#above.length;
    const places: readonly (readonly [number, PhysicalAddress])[] = [
      [upperIndex, this.#upper],
      [entries.length - 1, this.#lower],
    ];
    for (const [index, place] of places) {
      const want = (entries[index]?.entry ?? 0n) | (expected.sets[index] ?? 0n);
      const have = this.#memory.read64(place);
      if (have !== want)
        return `entry at level ${entries[index]?.level} 0x${have.toString(16)}, not 0x${want.toString(16)}`;
    }
    return null;
  }

  #physical(entries: readonly OracleEntry[]): number {
    const large = entries.find(({ level, entry }) => level > 1 && (entry & PS) !== 0n);
    if (large === undefined) return FRAME_4K * 4096 + 0x123;
    const size = large.level === 2 ? 2n ** 21n : 2n ** 30n;
    return LARGE_FRAME[this.#largeLevel] * 4096 + Number(this.#address & (size - 1n));
  }
}

function describe(failure: string, [upper, lower]: EntryPair, access: Access, setting: Setting): string {
  const entries = `upper 0x${upper.toString(16)}, lower 0x${lower.toString(16)}`;
  return `${failure}; ${entries}, ${JSON.stringify(access)}, ${JSON.stringify(setting)}`;
}
