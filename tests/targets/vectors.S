/* SPDX-License-Identifier: MIT */
/*
 * int vectors_hold(const volatile int *until, int avx512): known values in all vector registers (upper
 * halves, masks, the x87 stack, rounding of MXCSR) and in those integer registers that nothing here needs,
 * looked at again and again while *until is 0: a thread that never sleeps and calls nobody. 0: they never
 * changed. For processors with AVX2.
 */
	.text
	.macro expect condition
	\condition 9f
	.endm

	.macro fill n
	vpbroadcastq patterns+8*\n(%rip), %ymm\n
	.endm
	.macro look n /* ymm15 is for looking */
	vpbroadcastq patterns+8*\n(%rip), %ymm15
	vpcmpeqq %ymm\n, %ymm15, %ymm15
	vpmovmskb %ymm15, %eax
	cmp	$-1, %eax
	expect	jne
	.endm
	.macro fill512 n
	vpbroadcastq patterns+8*\n(%rip), %zmm\n
	.endm
	.macro look512 n /* k1 is for looking */
	vpcmpeqq patterns+8*\n(%rip){1to8}, %zmm\n, %k1
	kmovd	%k1, %eax
	cmp	$0xff, %eax
	expect	jne
	.endm

	.globl	vectors_hold
	.type	vectors_hold, @function
vectors_hold:
	.cfi_startproc
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset %rbx, -16
	push	%r12
	.cfi_def_cfa_offset 24
	.cfi_offset %r12, -24
	push	%r13
	.cfi_def_cfa_offset 32
	.cfi_offset %r13, -32
	sub	$16, %rsp
	.cfi_def_cfa_offset 48
	stmxcsr	8(%rsp)
	movl	$0x7f80, 12(%rsp) /* rounds to zero */
	ldmxcsr	12(%rsp)
	fldpi
	mov	$0x1111, %rbx
	mov	$0x2222, %rcx
	mov	$0x3333, %r8
	mov	$0x4444, %r9
	mov	$0x5555, %r10
	mov	$0x6666, %r11
	mov	$0x7777, %r12
	mov	$0x8888, %r13
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
	fill	\n
	.endr
	test	%esi, %esi
	jz	1f
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 23, 24, 30, 31
	fill512	\n
	.endr
	mov	$0x5a5a, %eax
	kmovd	%eax, %k2
	kmovd	%eax, %k7
1:	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
	look	\n
	.endr
	test	%esi, %esi
	jz	2f
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 23, 24, 30, 31
	look512	\n
	.endr
	kmovd	%k2, %eax
	cmp	$0x5a5a, %eax
	expect	jne
	kmovd	%k7, %eax
	cmp	$0x5a5a, %eax
	expect	jne
2:	cmp	$0x1111, %rbx
	expect	jne
	cmp	$0x2222, %rcx
	expect	jne
	cmp	$0x3333, %r8
	expect	jne
	cmp	$0x4444, %r9
	expect	jne
	cmp	$0x5555, %r10
	expect	jne
	cmp	$0x6666, %r11
	expect	jne
	cmp	$0x7777, %r12
	expect	jne
	cmp	$0x8888, %r13
	expect	jne
	stmxcsr	12(%rsp)
	mov	12(%rsp), %eax
	and	$0xffc0, %eax /* without what was raised */
	cmp	$0x7f80, %eax
	expect	jne
	cmpl	$0, (%rdi)
	je	1b
	fldpi
	fcomip	%st(1), %st
	jne	9f
	xor	%eax, %eax
	jmp	3f
9:	mov	$1, %eax
3:	fstp	%st(0)
	ldmxcsr	8(%rsp)
	vzeroupper
	add	$16, %rsp
	.cfi_def_cfa_offset 32
	pop	%r13
	.cfi_def_cfa_offset 24
	pop	%r12
	.cfi_def_cfa_offset 16
	pop	%rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
	.size	vectors_hold, .-vectors_hold

	.section .rodata
	.balign 64
patterns:
	.set n, 1
	.rept 32
	.quad 0x0123456789abcdef + 0x1010101010101 * n
	.set n, n + 1
	.endr
	.section .note.GNU-stack, "", @progbits
