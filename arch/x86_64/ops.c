/* SPDX-License-Identifier: MIT */
/* The table of x86-64. */
#include "arch/x86_64/ops.h"

#include "arch/x86_64/borrow.h"
#include "arch/x86_64/branch.h"
#include "arch/x86_64/elfreloc.h"
#include "arch/x86_64/insn.h"
#include "arch/x86_64/jump.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/stub.h"

#include <elf.h>
#include <linux/audit.h>
#include <sys/user.h>

_Static_assert(sizeof(struct user_regs_struct) <= ARCH_MAX_USER_REGS, "registers fit");

const struct arch_ops arch_x86_64 = {
	.name = "x86_64",
	.elf_machine = 62, /* EM_X86_64 */
	.decode = x86_decode_one,
	.short_jump_size = X86_SHORT_JUMP_SIZE,
	.short_jump_reach = INT8_MAX,
	.near_jump_size = X86_NEAR_JUMP_SIZE,
	.near_jump_reach = INT32_MAX,
	.far_jump_size = X86_FAR_JUMP_SIZE,
	.gate_size = X86_GATE_SIZE,
	.gate_on_mark = true,
	.short_jump = x86_short_jump,
	.near_jump = x86_near_jump,
	.far_jump = x86_far_jump,
	.gate = x86_gate,
	.counter_size = X86_COUNTER_SIZE,
	.counter = x86_counter,
	.dispatch_size = X86_DISPATCH_SIZE,
	.dispatch = x86_dispatch,
	.pun_range = x86_pun_range,
	.entry_mark_size = x86_entry_mark_size,
	.padding_size = x86_padding_size,
	.same_operation = x86_same_operation,
	.scan_branches = x86_scan_branches,
	.find_distances = x86_find_distances,
	.relocate = x86_relocate,
	.reloc_info = x86_reloc_info,
	.reloc_type = x86_reloc_type,
	.reloc_store = x86_reloc_store,
	.reloc_match = x86_reloc_match,
	.reloc_bias = x86_reloc_bias,
	.import_stub = x86_import_stub,
	.slot_load = x86_slot_load,
	.plt_slot = x86_plt_slot,
	.dwarf_sp = X86_DWARF_RSP,
	.dwarf_fp = X86_DWARF_RBP,
	.dwarf_return = X86_DWARF_RETURN,
	.user_regs_size = sizeof(struct user_regs_struct),
	.regs_from_user_stopped = x86_regs_from_user_stopped,
	.regs_from_sleep_stopped = x86_regs_from_sleep_stopped,
	.syscall_restart_stopped = x86_syscall_restart_stopped,
	.audit_arch = AUDIT_ARCH_X86_64,
	.vector_set = NT_X86_XSTATE,
	.errand = x86_errand,
	.errand_size = X86_ERRAND_SIZE,
	.errand_thread = X86_ERRAND_THREAD,
	.syscall_insn = {0x0f, 0x05}, /* syscall */
	.syscall_insn_size = 2,
	.wait_rank = x86_wait_rank,
	.wait_is_futex = x86_wait_is_futex,
	.in_syscall = x86_in_syscall,
	.set_syscall = x86_set_syscall,
	.set_call = x86_set_call,
	.result = x86_result,
	.return_frame = x86_return_frame,
	.forget_rest = x86_forget_rest,
};
