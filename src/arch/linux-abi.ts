/**
 * The part of the Linux x86-64 system-call interface that touches memory or creates tasks: call numbers, flags and error
 * numbers, as the kernel's user-space headers publish them (stable by contract). Names are the published ones.
 */

export const SYSTEM_CALL = {
  mmap: 9,
  mprotect: 10,
  munmap: 11,
  brk: 12,
  mremap: 25,
  madvise: 28,
  clone: 56,
  fork: 57,
  vfork: 58,
  execve: 59,
  exit: 60,
  exit_group: 231,
  execveat: 322,
  clone3: 435,
} as const;

export const PROT = {
  PROT_NONE: 0x0,
  PROT_READ: 0x1,
  PROT_WRITE: 0x2,
  PROT_EXEC: 0x4,
  PROT_GROWSDOWN: 0x0100_0000,
  PROT_GROWSUP: 0x0200_0000,
} as const;

export const MAP = {
  MAP_SHARED: 0x01,
  MAP_PRIVATE: 0x02,
  MAP_SHARED_VALIDATE: 0x03,
  MAP_FIXED: 0x10,
  MAP_ANONYMOUS: 0x20,
  MAP_GROWSDOWN: 0x100,
  MAP_LOCKED: 0x2000,
  MAP_NORESERVE: 0x4000,
  MAP_POPULATE: 0x8000,
  MAP_STACK: 0x2_0000,
  MAP_HUGETLB: 0x4_0000,
  MAP_FIXED_NOREPLACE: 0x10_0000,
} as const;

export const MREMAP = { MREMAP_MAYMOVE: 1, MREMAP_FIXED: 2, MREMAP_DONTUNMAP: 4 } as const;

export const MADV = {
  MADV_NORMAL: 0,
  MADV_RANDOM: 1,
  MADV_SEQUENTIAL: 2,
  MADV_WILLNEED: 3,
  MADV_DONTNEED: 4,
  MADV_FREE: 8,
  MADV_REMOVE: 9,
  MADV_DONTFORK: 10,
  MADV_DOFORK: 11,
  MADV_HUGEPAGE: 14,
  MADV_NOHUGEPAGE: 15,
  MADV_WIPEONFORK: 18,
  MADV_COLD: 20,
  MADV_PAGEOUT: 21,
  MADV_POPULATE_READ: 22,
  MADV_POPULATE_WRITE: 23,
  MADV_DONTNEED_LOCKED: 24,
} as const;

export const CLONE = {
  CLONE_VM: 0x100,
  CLONE_FS: 0x200,
  CLONE_FILES: 0x400,
  CLONE_SIGHAND: 0x800,
  CLONE_VFORK: 0x4000,
  CLONE_THREAD: 0x1_0000,
  CLONE_SETTLS: 0x8_0000,
} as const;

/** FUTEX_CMD_MASK leaves the command of futex's second argument; these commands wait. */
export const FUTEX = { FUTEX_CMD_MASK: 0x7f, FUTEX_WAIT: 0, FUTEX_LOCK_PI: 6, FUTEX_WAIT_BITSET: 9 } as const;

export const FUTEX_CALL = 202;

/** Calls that wait for something to happen, as a rule: poll, select, pause, nanosleep, wait4, epoll_wait ... */
export const WAITING_CALLS: ReadonlySet<number> = new Set([
  7, 23, 34, 35, 43, 61, 128, 130, 230, 232, 247, 270, 271, 281,
]);
