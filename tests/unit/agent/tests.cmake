# Its own code is what these tests patch: without optimisation functions keep their symbols' sizes.
foreach(name transaction check calls comeback data hooks faults modules pending
        further uncertain)
  suture_unit_test(agent/${name}
    LINKS handmade agent patch trampoline stop unwind image arch base
    PACKAGES suture_pkg_capstone
    SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/agent/kit.c)
  target_link_options(unit_agent_${name} PRIVATE -rdynamic)
endforeach()
foreach(call malloc calloc realloc strdup asprintf mmap mprotect memfd_create write pread mkdir
        rename fopen opendir dlopen dlinfo pthread_create clone open openat fcntl)
  target_link_options(unit_agent_faults PRIVATE -Wl,--wrap=${call})
endforeach()
suture_unit_test(agent/denials LINKS agent base)
suture_unit_test(agent/peer LINKS agent base)
suture_unit_test(agent/server LINKS agent rpc base PACKAGES suture_pkg_json_c)
target_link_options(unit_agent_server PRIVATE -Wl,--wrap=wait_now_stopped)
suture_unit_test(agent/admit LINKS agent rpc base PACKAGES suture_pkg_json_c)
suture_unit_test(agent/islands LINKS agent patch trampoline unwind image arch base)
suture_unit_test(agent/confirm LINKS handmade agent patch trampoline stop unwind image arch base
  PACKAGES suture_pkg_json_c SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/agent/kit.c)
target_link_options(unit_agent_confirm PRIVATE -rdynamic)
suture_unit_test(agent/shadow LINKS agent arch base)
target_link_options(unit_agent_shadow PRIVATE -Wl,--wrap=free)
suture_unit_test(agent/fork LINKS agent rpc stop image base PACKAGES suture_pkg_json_c)
suture_unit_test(agent/model
  LINKS handmade agent patch trampoline stop unwind image arch base
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/agent/subjects.c)
target_link_options(unit_agent_model PRIVATE -rdynamic)
suture_unit_test(agent/pauses LINKS agent base PACKAGES suture_pkg_json_c)
suture_unit_test(agent/mix LINKS handmade agent patch trampoline stop unwind image arch base)
target_link_options(unit_agent_mix PRIVATE -rdynamic)
suture_unit_test(agent/stress LINKS handmade agent patch trampoline stop unwind image arch base
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/agent/stress_throw.cpp)
target_link_options(unit_agent_stress PRIVATE -rdynamic)
suture_unit_test(agent/scope LINKS handmade agent patch trampoline scope stop unwind image arch base
  PACKAGES suture_pkg_json_c)
target_link_options(unit_agent_scope PRIVATE -rdynamic)
target_compile_options(unit_agent_scope PRIVATE -fcf-protection=branch)
suture_unit_test(agent/events LINKS agent rpc base PACKAGES suture_pkg_json_c)
suture_unit_test(agent/helper_dies
  LINKS handmade agent patch trampoline stop unwind image arch base)
target_link_options(unit_agent_helper_dies PRIVATE -rdynamic)
target_compile_options(unit_agent_helper_dies PRIVATE -fasynchronous-unwind-tables)
suture_unit_test(agent/helper_faults
  LINKS handmade agent patch trampoline stop unwind image arch base
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/agent/kit.c)
target_link_options(unit_agent_helper_faults PRIVATE -rdynamic -Wl,--wrap=arch_syscall)
suture_unit_test(agent/migration LINKS handmade agent patch trampoline stop unwind image arch base
  PACKAGES suture_pkg_json_c)
target_link_options(unit_agent_migration PRIVATE -rdynamic)
target_compile_options(unit_agent_migration PRIVATE -fcf-protection=branch)
