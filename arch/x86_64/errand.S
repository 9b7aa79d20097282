/* SPDX-License-Identifier: MIT */
/*
 * What two threads of a target execute while an agent is put into it; struct arch_errand in arch.h.
 * Copied there as bytes: position independent, refers to nothing. Calls only go through the
 * errand's table, rbx holds it. Offsets are checked in borrow.c.
 */
#include <sys/syscall.h>

#define ERRNO_LOCATION 0
#define PTHREAD_CREATE 8
#define PTHREAD_SELF   16
#define PTHREAD_DETACH 24
#define DLOPEN	       32
#define DLSYM	       40
#define DLERROR	       48
#define MUNMAP	       56
#define PATH	       64
#define NAME	       72
#define START	       80
#define THREAD_ENTRY   88
#define MAPPING	       96
#define MAPPING_SIZE   104
#define THREAD	       112
#define CREATED	       120
#define AWAY_DONE      128
#define STATE	       136
#define RESULT	       144
#define DISMISSED      152
#define NAP	       160
#define NAPS	       176
#define MEMORY	       184
#define FD	       192
#define FILLED	       200
#define FRAME	       208
#define TURNS	       216
#define RETURNED       224
#define LOADED	       232
#define CALLED	       240
#define TEXT	       248

#define TEXT_SIZE      512
#define STATE_DONE     1
#define STATE_FAILED   2
#define RTLD_NOW       2
#define SET_NAME       15 /* PR_SET_NAME */
#define MFD_FLAGS      3 /* MFD_CLOEXEC | MFD_ALLOW_SEALING */

	.section .rodata
	.balign 16
	.globl	x86_errand
	.hidden x86_errand
	.type	x86_errand, @object
x86_errand:
/* The borrowed thread; rdi: the errand. Never returns: its registers are put back. */
	sub	$8, %rsp
	mov	%rdi, %rbx
	call	*ERRNO_LOCATION(%rbx)
	mov	%rax, %r12
	mov	(%rax), %r13d
	lea	THREAD(%rbx), %rdi
	xor	%esi, %esi
	mov	THREAD_ENTRY(%rbx), %rdx
	mov	%rbx, %rcx
	call	*PTHREAD_CREATE(%rbx)
	cltq
	mov	%rax, CREATED(%rbx)
	mov	%r13d, (%r12)
	jmp	away

/* The new thread; rdi: the errand. Returns into the C library. */
	.org	x86_errand + 64, 0x90
	push	%rbx
	push	%r12
	push	%r13
	mov	%rdi, %rbx
	call	*PTHREAD_SELF(%rbx)
	mov	%rax, %rdi
	call	*PTHREAD_DETACH(%rbx)
	mov	START(%rbx), %r12
	test	%r12, %r12
	jnz	start
	mov	$-1, %r13
	mov	MEMORY(%rbx), %rdi
	test	%rdi, %rdi
	jz	load

/* The file is made here, and filled from outside while the borrowed thread is back already. */
	mov	$SYS_memfd_create, %eax
	mov	$MFD_FLAGS, %esi
	syscall
	mov	%rax, %r13
	mov	%rax, FD(%rbx)
	mov	NAPS(%rbx), %r12
1:	cmpq	$0, FILLED(%rbx)
	jg	load
	jl	given_up
	dec	%r12
	jz	unfilled
	mov	$SYS_nanosleep, %eax
	lea	NAP(%rbx), %rdi
	xor	%esi, %esi
	syscall
	jmp	1b
unfilled:
	mov	$SYS_close, %eax
	mov	%r13, %rdi
	syscall
	jmp	alone
given_up:
	mov	$SYS_close, %eax
	mov	%r13, %rdi
	syscall
	mov	$STATE_FAILED, %r12d
	jmp	tell

/* The library's constructor knows by the thread's name that its start function will be called. */
load:
	mov	$SYS_prctl, %eax
	mov	$SET_NAME, %edi
	mov	CALLED(%rbx), %rsi
	syscall
	mov	PATH(%rbx), %rdi
	mov	$RTLD_NOW, %esi
	call	*DLOPEN(%rbx)
	mov	%rax, %r12
	test	%r13, %r13
	js	1f
	mov	$SYS_close, %eax
	mov	%r13, %rdi
	syscall
1:	test	%r12, %r12
	jz	failed
	mov	%r12, %rdi
	mov	NAME(%rbx), %rsi
	call	*DLSYM(%rbx)
	test	%rax, %rax
	jz	failed
	mov	%rax, %r12
	movq	$1, LOADED(%rbx)
start:
	call	*%r12
	cltq
	mov	%rax, RESULT(%rbx)
	mov	$STATE_DONE, %r12d
	jmp	tell

/* The text belongs to this thread and goes with it. */
failed:
	call	*DLERROR(%rbx)
	mov	$STATE_FAILED, %r12d
	test	%rax, %rax
	jz	tell
	xor	%ecx, %ecx
1:	mov	(%rax, %rcx), %dl
	mov	%dl, TEXT(%rbx, %rcx)
	test	%dl, %dl
	jz	tell
	inc	%ecx
	cmp	$(TEXT_SIZE - 1), %ecx
	jb	1b
	movb	$0, TEXT(%rbx, %rcx)

/* x86 stores become visible in program order: the state is the last. */
tell:
	mov	%r12, STATE(%rbx)
	mov	NAPS(%rbx), %r13
1:	cmpq	$0, DISMISSED(%rbx)
	jne	dismissed
	dec	%r13
	jz	alone
	mov	$SYS_nanosleep, %eax
	lea	NAP(%rbx), %rdi
	xor	%esi, %esi
	syscall
	jmp	1b

/* munmap() returns to our caller, the C library: nobody is in the mapping then. */
dismissed:
	mov	MAPPING(%rbx), %rdi
	mov	MAPPING_SIZE(%rbx), %rsi
	mov	MUNMAP(%rbx), %rax
	pop	%r13
	pop	%r12
	pop	%rbx
	jmp	*%rax

/* Nobody came for the answer; the borrowed thread may still be here. The mapping stays. */
alone:
	pop	%r13
	pop	%r12
	pop	%rbx
	xor	%eax, %eax
	ret

/*
 * The borrowed thread's end: a loop that costs others little until the registers are put back. Who
 * wants to do that after RETURNED is set finds that it is no longer needed.
 */
away:
	mov	TURNS(%rbx), %r12
	movq	$1, AWAY_DONE(%rbx)
1:	mov	$SYS_sched_yield, %eax
	syscall
	dec	%r12
	jnz	1b
	movq	$1, RETURNED(%rbx)
	mov	FRAME(%rbx), %rsp
	mov	$SYS_rt_sigreturn, %eax
	syscall
	ud2
	.org	x86_errand + 512, 0xcc
	.size	x86_errand, 512

	.section .note.GNU-stack, "", @progbits
