/** Results of system calls: 0 or an address, or one of these, negated, as Linux returns them. */
export const EPERM = 1;
export const ENOMEM = 12;
export const EFAULT = 14;
export const EINVAL = 22;
