/**
 * The scenarios that mutants are tried in: small, each about one thing that TLB code has to get right, none about a
 * particular fault. What happens before `from` is signalled happens in turn; from there on every schedule within the
 * bound is explored. An era as it is must be clean in all of them.
 */
import type { SearchBound } from '../../src/museum/exhibit.ts';

export interface Occasion {
  readonly name: string;
  readonly text: string;
  readonly search: SearchBound;
}

export const STORES_AT_ONCE = 'set store-buffers=off\n';

function returner(switches: string): string {
  return `scenario "a flush meets a processor that comes back"
processors 2
${switches}space A
space B
thread T0 in A on 0 {
  a = mmap 1 rw
  write a[0] 17
  signal ready
  await visited
  madvise a dontneed
  signal gone
}
thread T1 in A on 1 {
  await ready
  read a[0]
  signal seen
  await visited
  read a[0]
  await gone
  read a[0]
}
thread Other in B on 1 {
  await seen
  signal visited
}
`;
}

function sleeper(switches: string): string {
  return `scenario "a flush meets a processor that leaves lazy mode"
processors 2
${switches}space A
thread T0 in A on 0 {
  a = mmap 1 rw
  write a[0] 17
  signal ready
  await seen
  signal wake
  madvise a dontneed
  signal gone
}
thread T1 in A on 1 {
  await ready
  read a[0]
  signal seen
  await wake
  read a[0]
  await gone
  read a[0]
}
`;
}

const flushers = `scenario "two flush at once"
processors 2
${STORES_AT_ONCE}space A
thread T0 in A on 0 {
  a = mmap 2 rw
  write a[0] 1
  write a[1] 2
  signal ready
  await seen
  madvise a[0] dontneed
  read a[1]
}
thread T1 in A on 1 {
  await ready
  read a[0]
  read a[1]
  signal seen
  madvise a[1] dontneed
  read a[0]
}
`;

const tables = `scenario "page tables are freed under a processor that is idle"
processors 3
${STORES_AT_ONCE}space A
thread T0 in A on 0 {
  a = mmap 2 rw at 0x4000_0000
  write a[0] 17
  signal ready
  await idle
  munmap a
}
thread T1 in A on 1 {
  await ready
  read a[0]
  signal idle
  await never
}
kernel Speculation on 2 {
  await idle
  speculate a[1] of A on 1
}
kernel Never on 2 {
  await idle
  signal never
}
`;

const user = `scenario "pages and their table go while another processor uses them"
processors 2
${STORES_AT_ONCE}space A
thread T0 in A on 0 {
  a = mmap 2 rw at 0x4000_0000
  write a[0] 17
  signal ready
  await seen
  munmap a
}
thread T1 in A on 1 {
  await ready
  read a[0]
  signal seen
  read a[0]
  read a[1]
}
`;

const reclaimed = `scenario "a page is reclaimed while a processor uses it"
processors 2
${STORES_AT_ONCE}space A
thread T0 in A on 1 {
  a = mmap 1 rw
  write a[0] 17
  signal ready
  repeat 2 { read a[0] }
}
kernel Reclaimer on 0 {
  await ready
  reclaim a of A
}
`;

const migrated = `scenario "a page moves while a processor comes back to its space"
processors 2
space A
space B
thread T0 in A on 0 {
  a = mmap 1 rw
  write a[0] 17
  signal ready
  await go
  read a[0]
  await moved
  read a[0]
}
thread Other in B on 0 {
  await ready
  signal away
}
kernel Mover on 1 {
  await away
  signal go
  migrate a of A
  signal moved
}
`;

const kernelPages = `scenario "the kernel frees a page that two processors have used"
processors 2
${STORES_AT_ONCE}
kernel K0 on 0 {
  v = vmalloc 1
  write v[0] 1
  signal ready
  await seen
  vfree v
  signal gone
}
kernel K1 on 1 {
  await ready
  read v[0]
  signal seen
  await gone
  read v[0]
}
`;

const SPACES = ['A', 'B', 'C', 'D', 'E', 'F', 'G'];

/** One processor visits seven address spaces, and the first once more. */
const visitor = `scenario "more address spaces than slots"
processors 1
${STORES_AT_ONCE}${SPACES.map((name) => `space ${name}`).join('\n')}
${SPACES.map(
  (name, index) => `thread T${name} in ${name} on 0 {
  ${index === 0 ? '' : `await e${index}\n  `}p = mmap 1 rw at 0x4000_0000
  write p[0] ${index + 1}
  signal e${index + 1}
${index === 0 ? `  await e${SPACES.length}\n` : ''}  read p[0] -> ${index + 1}
}`,
).join('\n')}
`;

const hotplug = `scenario "a processor goes and comes back"
processors 2
${STORES_AT_ONCE}space A
space B
thread T0 in A on 0 {
  a = mmap 1 rw
  write a[0] 17
  signal ready
  await seen
  offline 1
  madvise a dontneed
  online 1
  signal back
}
thread T1 in A on 1 {
  await ready
  read a[0]
  signal seen
  await back
  read a[0] -> 0
}
thread Other in B on 1 {
  await back
  b = mmap 1 rw
  write b[0] 1
}
`;

export const MIGRATED: Occasion = {
  name: 'migrated, with store buffers',
  text: migrated,
  search: { from: 'go', preemptions: 1 },
};

export const OCCASIONS: readonly Occasion[] = [
  { name: 'visitor', text: visitor, search: { from: null, preemptions: 0 } },
  { name: 'user', text: user, search: { from: 'seen', preemptions: 1 } },
  { name: 'returner', text: returner(STORES_AT_ONCE), search: { from: 'visited', preemptions: 1 } },
  { name: 'sleeper', text: sleeper(STORES_AT_ONCE), search: { from: 'wake', preemptions: 1 } },
  { name: 'flushers', text: flushers, search: { from: 'seen', preemptions: 1 } },
  { name: 'reclaimed', text: reclaimed, search: { from: 'ready', preemptions: 2 } },
  { name: 'kernel pages', text: kernelPages, search: { from: 'seen', preemptions: 1 } },
  { name: 'tables', text: tables, search: { from: 'idle', preemptions: 1 } },
  { name: 'hotplug', text: hotplug, search: { from: 'seen', preemptions: 1 } },
  { name: 'returner, with store buffers', text: returner(''), search: { from: 'visited', preemptions: 1 } },
  { name: 'sleeper, with store buffers', text: sleeper(''), search: { from: 'wake', preemptions: 1 } },
  MIGRATED,
];
