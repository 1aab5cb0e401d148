/** The kernel unmaps a page that it has used on two processors. For B16 and B51, which differ in how they live with it. */
export function VFREE_SCENARIO(era: string): string {
  return `# The kernel frees a page of its own that two processors have used.
scenario "the kernel unmaps a page that another processor has used"
processors 2
era ${era}
set invlpg-global-erratum=on
set store-buffers=off

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
}
