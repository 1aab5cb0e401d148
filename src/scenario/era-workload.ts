/**
 * What eras are compared on unless somebody brings a workload: two address spaces and kernel threads on four processors,
 * that do everything for which the eras differ. They share, change and unmap memory, go idle, come back, change places,
 * are reclaimed, and use kernel mappings.
 */
export const ERA_WORKLOAD_NAME = 'the workload that comes with it';

export const ERA_WORKLOAD = `scenario "two address spaces on four processors: shared, changed, idle, reclaimed"
processors 4
space A
space B

thread A0 in A on 0 {
  a = mmap 8 rw
  write a[0] 1
  write a[4] 1
  signal mapped
  repeat 24 {
    write a[0] 1
    write a[1] 1
    mprotect a[0..1] r
    mprotect a[0..1] rw
    write a[0] 2
    madvise a[2..3] dontneed
    write a[2] 3
  }
  own = mmap 600 rw
  write own[0] 1
  write own[599] 1
  munmap own
  signal done
}

thread A1 in A on 1 {
  await mapped
  repeat 1500 {
    read a[0]
    read a[4]
  }
  signal rest
  await over
  read a[4]
}

thread A2 in A on 2 {
  await mapped
  repeat 1500 {
    read a[0]
    read a[1]
  }
  repeat 6 {
    read a[1]
    run on 3
    write a[6] 1
    run on 2
    read a[4]
  }
}

thread A3 in A on 3 {
  await mapped
  repeat 1500 {
    read a[0]
    read a[7]
  }
  await done
  read a[0]
  munmap a[0..3]
  signal over
}

thread B0 in B on 1 {
  await rest
  b = mmap 6 rw
  repeat 8 {
    write b[0] 1
    write b[1] 1
    mprotect b[0..1] r
    mprotect b[0..1] rw
    run on 2
    read b[0]
    run on 1
  }
  signal ripe
}

thread B1 in B on 2 {
  await ripe
  read b[0]
  madvise b[0..2] dontneed
  write b[0] 1
  munmap b
}

kernel K0 on 3 {
  await ripe
  reclaim a[4..7] of A
  v = vmalloc 2
  write v[0] 1
  vfree v
}

kernel K1 on 0 {
  await rest
  w = vmalloc 1
  write w[0] 1
  vfree w
  migrate a[4..5] of A
}
`;
