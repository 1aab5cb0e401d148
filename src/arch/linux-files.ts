/** Flags and modes of files in the Linux x86-64 system-call interface, as the kernel's user-space headers publish them. */
export const O = {
  O_ACCMODE: 0x3,
  O_RDONLY: 0x0,
  O_WRONLY: 0x1,
  O_RDWR: 0x2,
  O_CREAT: 0x40,
  O_EXCL: 0x80,
  O_NOCTTY: 0x100,
  O_TRUNC: 0x200,
  O_APPEND: 0x400,
  O_NONBLOCK: 0x800,
  O_DIRECTORY: 0x1_0000,
  O_NOFOLLOW: 0x2_0000,
  O_CLOEXEC: 0x8_0000,
  O_PATH: 0x20_0000,
} as const;

export const S = {
  S_IFMT: 0xf000,
  S_IFIFO: 0x1000,
  S_IFCHR: 0x2000,
  S_IFDIR: 0x4000,
  S_IFREG: 0x8000,
  S_IFLNK: 0xa000,
} as const;

export const AT = {
  AT_FDCWD: -100,
  AT_SYMLINK_NOFOLLOW: 0x100,
  AT_REMOVEDIR: 0x200,
  AT_SYMLINK_FOLLOW: 0x400,
  AT_EMPTY_PATH: 0x1000,
} as const;

export const SEEK = { SEEK_SET: 0, SEEK_CUR: 1, SEEK_END: 2 } as const;

export const F = {
  F_DUPFD: 0,
  F_GETFD: 1,
  F_SETFD: 2,
  F_GETFL: 3,
  F_SETFL: 4,
  F_GETLK: 5,
  F_SETLK: 6,
  F_SETLKW: 7,
  F_DUPFD_CLOEXEC: 1030,
  F_GETPIPE_SZ: 1032,
} as const;

export const FD_CLOEXEC = 1;

export const POLL = { POLLIN: 0x1, POLLPRI: 0x2, POLLOUT: 0x4, POLLERR: 0x8, POLLHUP: 0x10, POLLNVAL: 0x20 } as const;

/** d_type of a directory entry. */
export const DT = { DT_FIFO: 1, DT_CHR: 2, DT_DIR: 4, DT_REG: 8, DT_LNK: 10 } as const;

export const PATH_MAX = 4096;
export const NAME_MAX = 255;
