suture_unit_test(stop/explain_test LINKS stop unwind base arch)
set(stop_fixture ${CMAKE_CURRENT_SOURCE_DIR}/stop/fixture.c)
foreach(name stop_test stack_test signal_test helper_test process_test kinds_test listing_test
             pause_test wake_test forks_test)
  suture_unit_test(stop/${name} LINKS stop unwind base arch SOURCES ${stop_fixture})
  target_compile_options(unit_stop_${name} PRIVATE -fasynchronous-unwind-tables)
endforeach()
target_link_options(unit_stop_listing_test PRIVATE -Wl,--wrap=tasks_list_stopped)
target_link_options(unit_stop_wake_test PRIVATE -Wl,--wrap=wake_await_stopped)
target_link_options(unit_stop_helper_test PRIVATE -Wl,--wrap=session_command_stopped)
target_link_options(unit_stop_pause_test PRIVATE -Wl,--wrap=tasks_list_stopped
  -Wl,--wrap=trace_release_all_stopped -Wl,--wrap=priority_restore_stopped -Wl,--wrap=wait_now_stopped
  -Wl,--wrap=trace_stop_wanted_stopped)
foreach(name blocking_test blocking_more_test blocking_rare_test)
  suture_unit_test(stop/${name} LINKS stop unwind base arch
                   SOURCES ${stop_fixture} ${CMAKE_CURRENT_SOURCE_DIR}/stop/blocking.c
                           ${PROJECT_SOURCE_DIR}/src/agent/host.c)
  target_compile_options(unit_stop_${name} PRIVATE -fasynchronous-unwind-tables)
endforeach()
# With the host API that an application sees.
foreach(name safepoint_test fiber_test)
  suture_unit_test(stop/${name} LINKS stop unwind base arch
                   SOURCES ${stop_fixture} ${PROJECT_SOURCE_DIR}/src/agent/host.c)
  target_compile_options(unit_stop_${name} PRIVATE -fasynchronous-unwind-tables)
endforeach()
