/* SPDX-License-Identifier: MIT */
/*
 * int read_with_registers(int fd, void *to): waits in read() with known values in all registers that
 * read() leaves alone, vectors too, and their upper halves where registers_avx is not 0. 0: they were all there afterwards, and the result was 1.
 */
	.text
	.globl	read_with_registers
	.type	read_with_registers, @function
read_with_registers:
	.cfi_startproc
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	sub	$8, %rsp
	mov	$0x1111111111111111, %rbx
	mov	$0x2222222222222222, %r12
	mov	$0x3333333333333333, %r13
	mov	$0x4444444444444444, %r14
	mov	$0x5555555555555555, %r15
	movq	%rbx, %xmm0
	movq	%r12, %xmm7
	movq	%r13, %xmm8
	movq	%r15, %xmm15
	cmpl	$0, registers_avx(%rip)
	je	1f
	vbroadcastsd %xmm8, %ymm8
1:	fldpi
	mov	$1, %edx
	call	read@PLT
	cmp	$1, %rax
	jne	1f
	cmpl	$0, registers_avx(%rip)
	je	4f
	vextractf128 $1, %ymm8, %xmm1
	movq	%xmm1, %rcx
	cmp	%r13, %rcx
	jne	1f
4:
	mov	$0x1111111111111111, %rax
	cmp	%rax, %rbx
	jne	1f
	movq	%xmm0, %rcx
	cmp	%rax, %rcx
	jne	1f
	mov	$0x2222222222222222, %rax
	cmp	%rax, %r12
	jne	1f
	movq	%xmm7, %rcx
	cmp	%rax, %rcx
	jne	1f
	mov	$0x3333333333333333, %rax
	cmp	%rax, %r13
	jne	1f
	movq	%xmm8, %rcx
	cmp	%rax, %rcx
	jne	1f
	mov	$0x4444444444444444, %rax
	cmp	%rax, %r14
	jne	1f
	mov	$0x5555555555555555, %rax
	cmp	%rax, %r15
	jne	1f
	movq	%xmm15, %rcx
	cmp	%rax, %rcx
	jne	1f
	fldpi
	fcomip	%st(1), %st
	fstp	%st(0)
	jne	2f
	xor	%eax, %eax
	jmp	3f
1:	fstp	%st(0)
2:	mov	$1, %eax
3:	add	$8, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size	read_with_registers, .-read_with_registers
	.section .note.GNU-stack, "", @progbits
