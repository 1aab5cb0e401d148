/** System calls about memory: what programs ask of the mini-kernel's mm. */
import { ERRNO } from '../../arch/linux-errno.ts';
import { MADV, MAP, MREMAP, PROT } from '../../arch/linux-abi.ts';
import { mayRead, mayWrite } from '../files/inode.ts';
import { mappedFile } from '../load-image.ts';
import { copyToUser } from '../user-memory.ts';
import { type CallArguments, type CallResult, type CallTable, int, unsigned } from './call.ts';
import type { Thread } from '../thread.ts';
import type { ThreadCode } from '../program-code.ts';

const PAGE = 4096n;
const PROTECTIONS = PROT.PROT_READ | PROT.PROT_WRITE | PROT.PROT_EXEC;
/** MAP_TYPE. */
const SHARING = 0xf;
/** Advice that changes nothing that a program could see. */
const HARMLESS_ADVICE: ReadonlySet<number> = new Set([
  MADV.MADV_NORMAL,
  MADV.MADV_RANDOM,
  MADV.MADV_SEQUENTIAL,
  MADV.MADV_WILLNEED,
  MADV.MADV_HUGEPAGE,
  MADV.MADV_NOHUGEPAGE,
  MADV.MADV_COLD,
  16, // MADV_DONTDUMP
  17, // MADV_DODUMP
]);

const MEMBARRIER_QUERY = 0;
const MEMBARRIER_GLOBAL = 1;
const MEMBARRIER_PRIVATE_EXPEDITED = 8;
const MEMBARRIER_REGISTER_PRIVATE_EXPEDITED = 16;
const MS_SYNC = 4;
const MS_FLAGS = 7;

export const memoryCalls: CallTable = {
  mmap,

  munmap: (thread, [address, length]) => thread.userland.kernel.sys_munmap(thread.cpu, address, length),

  mprotect: (thread, [address, length, protection]) =>
    thread.userland.kernel.sys_mprotect(thread.cpu, address, length, unsigned(protection) & PROTECTIONS),

  brk: (thread, [address]) => thread.userland.kernel.sys_brk(thread.cpu, address),

  mremap: (thread, [address, oldLength, newLength, flags, newAddress]) => {
    const wanted = unsigned(flags);
    const fixed = (wanted & MREMAP.MREMAP_FIXED) !== 0;
    if ((wanted & ~(MREMAP.MREMAP_MAYMOVE | MREMAP.MREMAP_FIXED)) !== 0) return -ERRNO.EINVAL;
    return thread.userland.kernel.sys_mremap(thread.cpu, {
      address,
      oldLength,
      newLength,
      mayMove: (wanted & MREMAP.MREMAP_MAYMOVE) !== 0,
      ...(fixed ? { newAddress } : {}),
    });
  },

  madvise: (thread, [address, length, advice]) => {
    const { kernel } = thread.userland;
    const kind = int(advice);
    if (kind === MADV.MADV_DONTNEED || kind === MADV.MADV_DONTNEED_LOCKED) {
      return kernel.sys_madvise(thread.cpu, address, length, 'dontneed');
    }
    if (kind === MADV.MADV_FREE) return kernel.sys_madvise(thread.cpu, address, length, 'free');
    return HARMLESS_ADVICE.has(kind) && address % PAGE === 0n ? 0 : -ERRNO.EINVAL;
  },

  *mincore(thread, [address, length, vector]) {
    const resident = yield* thread.userland.kernel.sys_mincore(thread.cpu, address, length);
    if (typeof resident === 'number') return resident;
    yield* copyToUser(vector, resident);
    return 0;
  },

  /** There is nothing to write back: no mapping of a file is shared and writable. */
  msync: (_thread, [address, , flags]) =>
    address % PAGE !== 0n || (unsigned(flags) & ~MS_FLAGS) !== 0 || (unsigned(flags) & (MS_SYNC | 1)) === 5
      ? -ERRNO.EINVAL
      : 0,

  mlock: () => 0,
  mlock2: () => 0,
  munlock: () => 0,
  mlockall: () => 0,
  munlockall: () => 0,

  *membarrier(thread, [command, flags]) {
    if (unsigned(flags) !== 0) return -ERRNO.EINVAL;
    switch (int(command)) {
      case MEMBARRIER_QUERY:
        return MEMBARRIER_GLOBAL | MEMBARRIER_PRIVATE_EXPEDITED | MEMBARRIER_REGISTER_PRIVATE_EXPEDITED;
      case MEMBARRIER_REGISTER_PRIVATE_EXPEDITED:
        return 0;
      case MEMBARRIER_GLOBAL:
      case MEMBARRIER_PRIVATE_EXPEDITED:
        yield* thread.userland.kernel.membarrier(thread.cpu);
        return 0;
      default:
        return -ERRNO.EINVAL;
    }
  },
};

function* mmap(thread: Thread, args: CallArguments): ThreadCode<CallResult> {
  const [address, length, protection, flagBits, descriptor, offset] = args;
  const { kernel } = thread.userland;
  const flags = unsigned(flagBits);
  const prot = unsigned(protection) & PROTECTIONS;
  const sharing = flags & SHARING;
  if (length === 0n || sharing === 0 || sharing > MAP.MAP_SHARED_VALIDATE) return -ERRNO.EINVAL;
  const shared = sharing !== MAP.MAP_PRIVATE;
  const keep = (flags & MAP.MAP_FIXED_NOREPLACE) !== 0;
  const fixed = (flags & MAP.MAP_FIXED) !== 0 || keep;
  const request = {
    address: address === 0n && !fixed ? null : address,
    length,
    prot,
    fixed,
    huge: (flags & MAP.MAP_HUGETLB) !== 0,
  };
  if (keep && !kernel.is_free(thread.process.mm, address, length)) return -ERRNO.EEXIST;
  if ((flags & MAP.MAP_ANONYMOUS) !== 0) return yield* kernel.sys_mmap(thread.cpu, { ...request, shared });

  const file = thread.process.files.get(int(descriptor));
  if (file === null) return -ERRNO.EBADF;
  const { inode } = file;
  if (inode.kind === 'device' && inode.device === 'zero') {
    return yield* kernel.sys_mmap(thread.cpu, { ...request, shared });
  }
  if (inode.kind !== 'file') return -ERRNO.ENODEV;
  if (offset % PAGE !== 0n) return -ERRNO.EINVAL;
  if (!mayRead(file.flags)) return -ERRNO.EACCES;
  const writable = (prot & PROT.PROT_WRITE) !== 0;
  if (shared && writable) return mayWrite(file.flags) ? -ERRNO.ENODEV : -ERRNO.EACCES;
  return yield* kernel.sys_mmap(thread.cpu, { ...request, object: { ...mappedFile(inode), offset } });
}
