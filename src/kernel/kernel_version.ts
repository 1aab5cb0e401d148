/**
 * Which code the mini-kernel is, for schedules that are to be repeated: advanced whenever the steps change that the kernel
 * takes, of any era, so that a schedule recorded before is refused rather than followed astray.
 */
export const KERNEL_VERSION = 2;
