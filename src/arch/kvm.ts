/** What KVM and its guests tell each other of a virtual processor, in struct kvm_steal_time's `preempted`. */

/** The host has taken the processor away. */
export const KVM_VCPU_PREEMPTED = 1n << 0n;
/** The guest wants its TLB flushed before it runs again. */
export const KVM_VCPU_FLUSH_TLB = 1n << 1n;
