# Loops that engines, qemu-x86_64 and the host are timed on. Each is at a multiple of 256 bytes, takes RDI, 64 KBytes of
# data, and RCX, how often to go round, and returns. The number of instructions a round is in loops.ts.
        .intel_syntax noprefix
        .text
        .globl loops
loops:
# integer: arithmetic on registers only.
        .balign 256
1:      add     rax, rcx
        lea     rbx, [rax+rcx*4+7]
        xor     rax, rbx
        shl     rbx, 3
        adc     rdx, rbx
        imul    r8, rdx
        cmp     r8, rax
        dec     rcx
        jnz     1b
        ret
# memory: loads and stores over 16 KBytes.
        .balign 256
        xor     eax, eax
1:      mov     rbx, [rdi+rax*8]
        add     rbx, rax
        mov     [rdi+rax*8+64], rbx
        add     dword ptr [rdi+rax*4], 5
        movzx   edx, byte ptr [rdi+rax]
        inc     eax
        and     eax, 2047
        dec     rcx
        jnz     1b
        ret
# calls: two deep, with saved registers.
        .balign 256
1:      call    2f
        dec     rcx
        jnz     1b
        ret
2:      push    rbx
        mov     rbx, rcx
        call    3f
        pop     rbx
        ret
3:      lea     rax, [rbx+1]
        ret
# branches: a hash of bytes with conditions that vary.
        .balign 256
        xor     eax, eax
1:      movzx   edx, byte ptr [rdi+rax]
        test    dl, 1
        jz      2f
        add     r8d, edx
        cmp     r8d, 1000000
        jb      3f
        xor     r8d, r8d
        jmp     3f
2:      sub     r8d, edx
        js      3f
        add     r8d, 3
3:      inc     ax
        dec     rcx
        jnz     1b
        ret
# strings: copies of 128 bytes by repeated moves.
        .balign 256
        mov     r9, rdi
        mov     r10, rcx
1:      mov     rdi, r9
        lea     rsi, [r9+4096]
        mov     ecx, 16
        rep movsq
        dec     r10
        jnz     1b
        ret
# vectors: integer SSE2 and SSSE3 on 16 bytes at a time.
        .balign 256
        xor     eax, eax
1:      movdqu  xmm0, [rdi+rax]
        paddd   xmm1, xmm0
        pxor    xmm2, xmm1
        pshufd  xmm3, xmm2, 0x1b
        movdqa  [rdi+rax+4096], xmm3
        add     eax, 16
        and     eax, 4095
        dec     rcx
        jnz     1b
        ret
# floats: scalar double precision.
        .balign 256
        mov     eax, 3
        cvtsi2sd xmm1, eax
        mov     eax, 7
        cvtsi2sd xmm2, eax
        divsd   xmm1, xmm2
        movapd  xmm0, xmm2
1:      mulsd   xmm0, xmm1
        addsd   xmm0, xmm2
        comisd  xmm0, xmm2
        dec     rcx
        jnz     1b
        ret
        .balign 256
        .section .note.GNU-stack,"",@progbits
